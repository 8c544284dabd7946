import { describe, expect, it } from 'vitest';
import type { InventoryEvent } from '../../../../src/domain/events.js';
import { EventCache } from '../../../../src/storage/file/log/event-cache.js';

const KEPT_MAX = 4_096;

function event(sequence: number): InventoryEvent {
  return {
    sequence,
    at: 0,
    type: 'StockAdjusted',
    lines: [],
    reads: [],
    reservations: [],
    reason: undefined,
    reference: undefined,
    refusal: undefined,
    operations: undefined,
    request: undefined,
  };
}

describe('the events that were read last', () => {
  it('are as many as they may be: the one that was not asked for longest goes', () => {
    const kept = new EventCache();
    for (let sequence = 1; sequence <= KEPT_MAX; sequence += 1) kept.add(event(sequence));
    expect(kept.get(1)).toEqual(event(1));
    kept.add(event(KEPT_MAX + 1));
    expect(kept.get(2)).toBeUndefined();
    expect(kept.get(1)).toEqual(event(1));
    expect(kept.get(3)).toEqual(event(3));
    expect(kept.get(KEPT_MAX + 1)).toEqual(event(KEPT_MAX + 1));
  });

  it.each([
    ['operations', { operations: Array.from({ length: 33 }, () => ({ line: 0 })) }],
    ['reservations', { reservations: Array.from({ length: 17 }, () => ({ lines: [{}] })) }],
  ])('are small: none of many %s, however few records they touch', (_what, members) => {
    const kept = new EventCache();
    kept.add({ ...event(1), ...members } as unknown as InventoryEvent);

    expect(kept.get(1)).toBeUndefined();
  });
});
