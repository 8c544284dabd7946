import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AggregateEvent,
  type AggregateLine,
  type CentralRecord,
  foldEvent,
  setAside,
} from '../../src/domain/aggregate.js';
import { stockKey } from '../../src/domain/keys.js';
import { isInGap, withGap, withoutUpTo, withoutVersion } from '../../src/domain/version-gaps.js';

type Records = Map<string, CentralRecord>;

const AT = Date.UTC(2026, 0, 1);

function line(sku: string, version: number, onHandDelta: number, reservedDelta = 0): AggregateLine {
  return { storeId: 'S1', sku, version, onHandDelta, reservedDelta };
}

function event(
  lines: readonly AggregateLine[],
  more: Partial<AggregateEvent> = {},
): AggregateEvent {
  return { sequence: 1, type: 'StockAdjusted', at: AT, lines, ...more };
}

/** The reason, where it cannot be folded. */
function fold(records: Records, folded: AggregateEvent): string | undefined {
  const result = foldEvent((name) => records.get(stockKey(name)), folded);
  if ('reason' in result) return result.reason;
  for (const record of result.records) records.set(stockKey(record), record);
  return undefined;
}

function aside(records: Records, version: number, sku = 'A'): void {
  const name = { storeId: 'S1', sku };
  records.set(stockKey(name), setAside(records.get(stockKey(name)), { ...name, version }));
}

describe('the fold of the aggregate', () => {
  it('sums what every line says, for the one record that it names', () => {
    const records: Records = new Map();

    fold(records, event([line('A', 1, 10), line('B', 1, 5)]));
    fold(records, event([line('A', 2, 0, 4)], { type: 'StockReserved' }));
    expect(records.get('S1/A')).toMatchObject({ onHand: 10, reserved: 4 });
    fold(records, event([line('A', 3, -4, -4)], { type: 'StockCommitted' }));

    expect(records.get('S1/A')).toEqual({
      storeId: 'S1',
      sku: 'A',
      onHand: 6,
      reserved: 0,
      version: 3,
      gaps: [],
    });
    expect(records.get('S1/B')).toMatchObject({ onHand: 5, version: 1 });
  });

  it('folds lines of several records that are there, and of one that is there twice', () => {
    const records: Records = new Map();
    fold(records, event([line('A', 1, 10), line('B', 1, 5)]));

    fold(records, event([line('A', 2, -3), line('B', 2, 3), line('A', 3, 1)]));

    expect(records.get('S1/A')).toMatchObject({ onHand: 8, version: 3 });
    expect(records.get('S1/B')).toMatchObject({ onHand: 8, version: 2 });
  });

  it.each([
    [line('A', 1, 1), 'version 1 of S1/A was met before'],
    [line('A', 4, 1), 'version 4 of S1/A came without version 2'],
    [line('B', 2, 1), 'version 2 of S1/B came without version 1'],
  ])('says which version is in the way: %j', (poisoned, detail) => {
    const records: Records = new Map();
    fold(records, event([line('A', 1, 10)]));

    const folded = foldEvent((name) => records.get(stockKey(name)), event([poisoned]));
    expect(folded).toMatchObject({ detail });
  });

  it('sets nothing aside that is folded already', () => {
    const records: Records = new Map();
    fold(records, event([line('A', 1, 10)]));
    fold(records, event([line('A', 2, 1)]));
    const before = records.get('S1/A');

    aside(records, 2);

    expect(records.get('S1/A')).toBe(before);
  });

  it('folds an event without lines, which moves nothing', () => {
    const refused = event([], { type: 'RequestRefused' });

    expect(foldEvent(() => undefined, refused)).toEqual({ records: [] });
  });

  it.each<[string, AggregateEvent]>([
    ['unknown-type', event([line('A', 2, 1)], { type: 'StockWeighed' })],
    ['unknown-type', event([line('A', 2, 1)], { type: 'constructor' })],
    ['unknown-schema', event([line('A', 2, 1)], { schemaVersion: 2 })],
    ['version-gap', event([line('A', 3, 1)])],
    ['version-repeated', event([line('A', 1, 1)])],
    ['quantity-overflow', event([line('A', 2, Number.MAX_SAFE_INTEGER)])],
    ['version-gap', event([line('B', 1, 1), line('A', 3, 1)])],
  ])('folds nothing of an event that it cannot fold: %s', (reason, poisoned) => {
    const records: Records = new Map();
    fold(records, event([line('A', 1, 10)]));
    const before = new Map(records);

    expect(fold(records, poisoned)).toBe(reason);
    expect(records).toEqual(before);
  });

  it('goes on behind a version that was set aside, and takes it in later, once', () => {
    const records: Records = new Map();
    fold(records, event([line('A', 1, 10)]));
    aside(records, 2);

    expect(fold(records, event([line('A', 3, 1)]))).toBeUndefined();
    expect(records.get('S1/A')).toMatchObject({ onHand: 11, version: 3, gaps: [[2, 2]] });

    expect(fold(records, event([line('A', 2, 5)]))).toBeUndefined();
    expect(records.get('S1/A')).toMatchObject({ onHand: 16, version: 3, gaps: [] });
    expect(fold(records, event([line('A', 2, 5)]))).toBe('version-repeated');
  });

  it('takes a later version in only when none before it is missing', () => {
    const records: Records = new Map();
    fold(records, event([line('A', 1, 10)]));
    aside(records, 4);

    expect(records.get('S1/A')).toMatchObject({ gaps: [[2, 4]] });
    expect(fold(records, event([line('A', 4, 1)]))).toBe('version-gap');
    expect(fold(records, event([line('A', 2, 1)]))).toBeUndefined();
    expect(fold(records, event([line('A', 3, 1)]))).toBeUndefined();
    expect(fold(records, event([line('A', 4, 1)]))).toBeUndefined();
    expect(records.get('S1/A')).toMatchObject({ onHand: 13, version: 4, gaps: [] });
  });

  it('ends at the same sums whichever events were set aside and taken in later', () => {
    const deltas = fc.array(fc.record({ delta: fc.integer(), aside: fc.boolean() }), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(deltas, (steps) => {
        const records: Records = new Map();
        const late: AggregateEvent[] = [];
        for (const [index, step] of steps.entries()) {
          const folded = event([line('A', index + 1, step.delta)]);
          if (!step.aside) expect(fold(records, folded)).toBeUndefined();
          else {
            aside(records, index + 1);
            late.push(folded);
          }
        }
        for (const folded of late) expect(fold(records, folded)).toBeUndefined();
        const sum = steps.reduce((total, { delta }) => total + delta, 0);
        expect(records.get('S1/A')?.onHand ?? 0).toBe(sum);
        expect(records.get('S1/A')?.gaps ?? []).toEqual([]);
      }),
    );
  });
});

describe('gaps in the versions of a record', () => {
  it('grow at their end, and lie apart', () => {
    expect(withGap(withGap(withGap([], 2, 2), 3, 4), 8, 8)).toEqual([
      [2, 4],
      [8, 8],
    ]);
  });

  it('are split by a version that comes in', () => {
    expect(withoutVersion([[2, 4]], 3)).toEqual([
      [2, 2],
      [4, 4],
    ]);
    expect(withoutVersion([[2, 2]], 2)).toEqual([]);
  });

  it('are left as they are by a version that is in none of them', () => {
    const gaps = [
      [2, 4],
      [8, 9],
    ] as const;
    expect(withoutVersion(gaps, 9)).toEqual([
      [2, 4],
      [8, 8],
    ]);
    expect(withoutVersion(gaps, 6)).toEqual(gaps);
    expect([1, 2, 4, 5, 7, 8, 9, 10].map((version) => isInGap(gaps, version))).toEqual([
      ...[false, true, true, false, false, true, true, false],
    ]);
  });

  it('end with what is given up, except for what others may still bring', () => {
    expect(withoutUpTo([[2, 9]], 6, new Set([3, 8, 40]))).toEqual([
      [3, 3],
      [7, 9],
    ]);
    // In whatever order they wait, one of them the last that is given up; not what was met before.
    const gaps = [
      [2, 4],
      [8, 12],
    ] as const;
    expect(withoutUpTo(gaps, 10, new Set([10, 6, 8, 2]))).toEqual([
      [2, 2],
      [8, 8],
      [10, 12],
    ]);
    expect(withoutUpTo(gaps, 12, new Set())).toEqual([]);
  });
});
