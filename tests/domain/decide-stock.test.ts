import { describe, it } from 'vitest';
import type { AdjustStock, CountStock, TransferStock } from '../../src/domain/commands.js';
import { START, held, stocked } from '../support/facts.js';
import { LATER, given } from '../support/specification.js';

const A = { storeId: 'S1', sku: 'A' };
const MOST = Number.MAX_SAFE_INTEGER;

function adjust(delta: number, more: Partial<AdjustStock> = {}): AdjustStock {
  return { type: 'AdjustStock', ...A, delta, ...more };
}

function count(onHand: number, more: Partial<CountStock> = {}): CountStock {
  return { type: 'CountStock', ...A, onHand, ...more };
}

describe('adjusting stock', () => {
  it('adds what came in, and keeps why', () => {
    given(stocked('S1/A', 10))
      .when(adjust(5))
      .then('StockAdjusted', { 'S1/A': { version: 2, onHand: 15, reserved: 0 } });
  });

  it('keeps the reason and the reference with the event', ({ expect }) => {
    const { event } = given(stocked('S1/A', 10)).when(
      adjust(5, { reason: 'delivery', reference: 'note-7' }),
    );
    expect(event).toMatchObject({ reason: 'delivery', reference: 'note-7' });
  });

  it('creates an unknown record at version 1 by a positive delta', () => {
    given()
      .when(adjust(5))
      .then('StockAdjusted', { 'S1/A': { version: 1, onHand: 5, reserved: 0 } });
  });

  it('does not know a record that something is taken from', () => {
    given()
      .when(adjust(-1))
      .thenRefused({ code: 'stock-not-found', ...A }, { 'S1/A': 0 });
  });

  it('takes all that is available, to the last unit', () => {
    given(stocked('S1/A', 10), held('r1', { 'S1/A': 4 }))
      .when(adjust(-6))
      .then('StockAdjusted', { 'S1/A': { version: 3, onHand: 4, reserved: 4 } });
  });

  it('never takes what is reserved', () => {
    given(stocked('S1/A', 10), held('r1', { 'S1/A': 4 }))
      .when(adjust(-7))
      .thenRefused(
        {
          code: 'insufficient-stock',
          lines: [{ ...A, requested: 7, available: 6, version: 2 }],
        },
        { 'S1/A': 2 },
      );
  });

  it('reaches the largest exact number of units, and not one beyond', () => {
    given(stocked('S1/A', MOST - 5))
      .when(adjust(5))
      .then('StockAdjusted', { 'S1/A': { version: 2, onHand: MOST, reserved: 0 } });
    given(stocked('S1/A', MOST - 5))
      .when(adjust(6))
      .thenRefused({ code: 'quantity-overflow', ...A }, { 'S1/A': 1 });
  });

  it('looks at existence before the version', () => {
    given()
      .when(adjust(-1, { ifMatch: [3], expectedVersion: 4 }))
      .thenRefused({ code: 'stock-not-found', ...A });
  });

  it('looks at If-Match before expectedVersion, and at both before stock', () => {
    const story = [stocked('S1/A', 10)];
    given(...story)
      .when(adjust(-11, { ifMatch: [3], expectedVersion: 4 }))
      .thenRefused({ code: 'precondition-failed', currentVersion: 1 }, { 'S1/A': 1 });
    given(...story)
      .when(adjust(-11, { ifMatch: [1], expectedVersion: 4 }))
      .thenRefused({ code: 'version-conflict', expectedVersion: 4, currentVersion: 1 });
    given(...story)
      .when(adjust(-11, { ifMatch: [1], expectedVersion: 1 }))
      .thenRefused({
        code: 'insufficient-stock',
        lines: [{ ...A, requested: 11, available: 10, version: 1 }],
      });
  });

  it('accepts any of several versions of If-Match, and * where the record exists', () => {
    given(stocked('S1/A', 10))
      .when(adjust(1, { ifMatch: [7, 1] }))
      .then('StockAdjusted', { 'S1/A': { version: 2, onHand: 11, reserved: 0 } });
    given(stocked('S1/A', 10))
      .when(adjust(1, { ifMatch: '*' }))
      .then('StockAdjusted', { 'S1/A': { version: 2, onHand: 11, reserved: 0 } });
  });

  it('does not create a record that the caller believes to exist', () => {
    given()
      .when(adjust(1, { ifMatch: '*' }))
      .thenRefused({ code: 'precondition-failed', currentVersion: 0 }, { 'S1/A': 0 });
    given()
      .when(adjust(1, { expectedVersion: 1 }))
      .thenRefused({ code: 'version-conflict', expectedVersion: 1, currentVersion: 0 });
  });
});

describe('when a shortage will be over', () => {
  const stock = stocked('S1/A', 10);
  const short = { ...A, requested: 9, available: 1, version: 4 };

  it('is the expiry of the hold that frees the last unit missing', () => {
    given(
      stock,
      held('late', { 'S1/A': 3 }, { ttlMs: 300_000 }),
      held('soon', { 'S1/A': 3 }, { ttlMs: 100_000 }),
      held('middle', { 'S1/A': 3 }, { ttlMs: 200_000 }),
    )
      .when(adjust(-7))
      .thenRefused({
        code: 'insufficient-stock',
        lines: [{ ...short, requested: 7 }],
        earliestExpiry: START + 200_000,
      });
  });

  it('counts of a hold over several stores only the units of the one that is short', () => {
    given(
      ...[stock, stocked('S2/A', 10)],
      held('both', { 'S1/A': 4, 'S2/A': 6 }, { ttlMs: 100_000 }),
      held('here', { 'S1/A': 5 }, { ttlMs: 200_000 }),
    )
      .when(adjust(-9))
      .thenRefused({
        code: 'insufficient-stock',
        lines: [{ ...A, requested: 9, available: 1, version: 3 }],
        earliestExpiry: START + 200_000,
      });
  });

  it('is not known when holds without an expiry stand in the way', () => {
    given(
      stock,
      held('soon', { 'S1/A': 3 }, { ttlMs: 100_000 }),
      held('later', { 'S1/A': 3 }, { ttlMs: 200_000 }),
      held('forever', { 'S1/A': 3 }),
    )
      .when(adjust(-9))
      .thenRefused({ code: 'insufficient-stock', lines: [short] });
  });

  it('is not known when there is less on hand than is asked for', () => {
    given(stock, held('soon', { 'S1/A': 9 }, { ttlMs: 100_000 }))
      .when(adjust(-11))
      .thenRefused({
        code: 'insufficient-stock',
        lines: [{ ...A, requested: 11, available: 1, version: 2 }],
      });
  });

  it('is not searched for beyond ten thousand lines of holds', () => {
    const skus = Array.from({ length: 100 }, (_, index) => `S1/K${index}`);
    const one = { ...Object.fromEntries(skus.slice(1).map((sku) => [sku, 1])), 'S1/A': 1 };
    const holds = Array.from({ length: 101 }, (_, index) =>
      held(`r${index}`, one, { ttlMs: 100_000 + index }),
    );
    const line = { ...A, available: 0, version: 102 };
    const story = [stocked('S1/A', 101), ...skus.map((sku) => stocked(sku, 101)), ...holds];
    given(...story)
      .when(adjust(-100))
      .thenRefused({
        code: 'insufficient-stock',
        lines: [{ ...line, requested: 100 }],
        earliestExpiry: START + 100_099,
      });
    given(...story)
      .when(adjust(-101))
      .thenRefused({ code: 'insufficient-stock', lines: [{ ...line, requested: 101 }] });
  });

  it('counts only what a hold has of this record', () => {
    given(
      stocked('S1/A', 4),
      stocked('S1/B', 9),
      held('soon', { 'S1/A': 1, 'S1/B': 9 }, { ttlMs: 100_000 }),
      held('late', { 'S1/A': 3 }, { ttlMs: 200_000 }),
    )
      .when(adjust(-4))
      .thenRefused({
        code: 'insufficient-stock',
        lines: [{ ...A, requested: 4, available: 0, version: 3 }],
        earliestExpiry: START + 200_000,
      });
  });
});

describe('counting stock', () => {
  it('replaces what was believed by what was counted', () => {
    given(stocked('S1/A', 10))
      .when(count(7))
      .then('StockCounted', { 'S1/A': { version: 2, onHand: 7, reserved: 0 } });
  });

  it('is an event even when it confirms what was believed', () => {
    given(stocked('S1/A', 10))
      .when(count(10))
      .then('StockCounted', { 'S1/A': { version: 2, onHand: 10, reserved: 0 } });
  });

  it('creates an unknown record', () => {
    given()
      .when(count(0, { mustBeNew: true }))
      .then('StockCounted', { 'S1/A': { version: 1, onHand: 0, reserved: 0 } });
  });

  it('does not create what exists', () => {
    given(stocked('S1/A', 10))
      .when(count(7, { mustBeNew: true }))
      .thenRefused({ code: 'precondition-failed', currentVersion: 1 }, { 'S1/A': 1 });
  });

  it('does not know a record by a version when there is none', () => {
    given()
      .when(count(7, { ifMatch: [1] }))
      .thenRefused({ code: 'precondition-failed', currentVersion: 0 }, { 'S1/A': 0 });
  });

  it('may go down to what is reserved, not below', () => {
    const story = [stocked('S1/A', 10), held('r1', { 'S1/A': 4 })];
    given(...story)
      .when(count(4, { ifMatch: [2] }))
      .then('StockCounted', { 'S1/A': { version: 3, onHand: 4, reserved: 4 } });
    given(...story)
      .when(count(3, { ifMatch: [2] }))
      .thenRefused({ code: 'below-reserved', ...A, onHand: 3, reserved: 4 }, { 'S1/A': 2 });
  });

  it('looks at the version before the stock', () => {
    const story = [stocked('S1/A', 10), held('r1', { 'S1/A': 4 })];
    given(...story)
      .when(count(3, { ifMatch: [1], expectedVersion: 1 }))
      .thenRefused({ code: 'precondition-failed', currentVersion: 2 });
    given(...story)
      .when(count(3, { ifMatch: [2], expectedVersion: 1 }))
      .thenRefused({ code: 'version-conflict', expectedVersion: 1, currentVersion: 2 });
  });
});

describe('transferring stock', () => {
  const B = { storeId: 'S1', sku: 'B' };

  function transfer(lines: TransferStock['lines'], to = 'S2'): TransferStock {
    return { type: 'TransferStock', from: 'S1', to, lines, reference: 'van-1' };
  }

  it('moves units from one store to the other in one event', ({ expect }) => {
    const outcome = given(stocked('S1/A', 10), stocked('S2/A', 1)).when(
      transfer([{ sku: 'A', qty: 4 }]),
      LATER,
    );
    outcome.then('StockTransferred', {
      'S1/A': { version: 2, onHand: 6, reserved: 0 },
      'S2/A': { version: 2, onHand: 5, reserved: 0 },
    });
    expect(outcome.event.reference).toBe('van-1');
  });

  it('creates what the destination does not know', () => {
    given(stocked('S1/A', 10), stocked('S1/B', 10))
      .when(
        transfer([
          { sku: 'A', qty: 10 },
          { sku: 'B', qty: 1 },
        ]),
      )
      .then('StockTransferred', {
        'S1/A': { version: 2, onHand: 0, reserved: 0 },
        'S1/B': { version: 2, onHand: 9, reserved: 0 },
        'S2/A': { version: 1, onHand: 10, reserved: 0 },
        'S2/B': { version: 1, onHand: 1, reserved: 0 },
      });
  });

  it('sums the same SKU twice before it compares', () => {
    const twice = transfer([
      { sku: 'A', qty: 6 },
      { sku: 'A', qty: 5 },
    ]);
    given(stocked('S1/A', 11))
      .when(twice)
      .then('StockTransferred', {
        'S1/A': { version: 2, onHand: 0, reserved: 0 },
        'S2/A': { version: 1, onHand: 11, reserved: 0 },
      });
    given(stocked('S1/A', 10))
      .when(twice)
      .thenRefused(
        {
          code: 'insufficient-stock',
          lines: [{ ...A, requested: 11, available: 10, version: 1 }],
        },
        { 'S1/A': 1 },
      );
  });

  it('does not go from a store to itself, whether or not it has the goods', () => {
    given()
      .when(transfer([{ sku: 'A', qty: 1 }], 'S1'))
      .thenRefused({ code: 'same-store', storeId: 'S1' }, {});
  });

  it('does not know a source that is not there, before it looks at any stock', () => {
    given(stocked('S1/A', 1))
      .when(
        transfer([
          { sku: 'A', qty: 2 },
          { sku: 'B', qty: 1 },
        ]),
      )
      .thenRefused({ code: 'stock-not-found', ...B }, { 'S1/A': 1, 'S1/B': 0 });
  });

  it('leaves reserved units where they are, and names every line that is short', () => {
    given(stocked('S1/A', 10), stocked('S1/B', 3), held('r1', { 'S1/A': 4 }))
      .when(
        transfer([
          { sku: 'A', qty: 7 },
          { sku: 'B', qty: 4 },
        ]),
      )
      .thenRefused({
        code: 'insufficient-stock',
        lines: [
          { ...A, requested: 7, available: 6, version: 2 },
          { ...B, requested: 4, available: 3, version: 1 },
        ],
      });
  });

  it('does not overflow the destination', () => {
    given(stocked('S1/A', 10), stocked('S2/A', MOST - 3))
      .when(transfer([{ sku: 'A', qty: 4 }]))
      .thenRefused(
        { code: 'quantity-overflow', storeId: 'S2', sku: 'A' },
        { 'S1/A': 1, 'S2/A': 1 },
      );
  });
});
