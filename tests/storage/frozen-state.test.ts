import { describe, expect, it } from 'vitest';
import { stockKey } from '../../src/domain/keys.js';
import type { StockRecord } from '../../src/domain/stock.js';
import { PublishedState } from '../../src/storage/published-state.js';

function record(storeId: string, sku: string, sequence: number): StockRecord {
  return { storeId, sku, onHand: sequence, reserved: 0, version: 1, updatedAt: sequence, sequence };
}

function put(state: PublishedState, changed: StockRecord): void {
  state.startAt(changed.sequence, changed.sequence);
  state.putRecord(stockKey(changed), changed);
}

describe('a frozen state', () => {
  it('shows every record as it was, whatever changes or comes while it is read', () => {
    const state = new PublishedState();
    for (const [index, sku] of ['B', 'D', 'F', 'H'].entries()) put(state, record('S', sku, index));
    const frozen = state.freeze();
    const [first, second] = frozen.recordsOf('S', undefined, 2);
    for (const [index, sku] of ['A', 'B', 'C', 'F', 'F', 'G', 'I'].entries()) {
      put(state, record('S', sku, 10 + index));
    }
    put(state, record('T', 'A', 20));
    const rest = frozen.recordsOf('S', second!.sku, 10);
    expect([first, second, ...rest].map((each) => [each?.sku, each?.onHand])).toEqual([
      ['B', 0],
      ['D', 1],
      ['F', 2],
      ['H', 3],
    ]);
    expect(frozen).toMatchObject({ stores: ['S'], lastSequence: 3 });
    expect(state.record(stockKey({ storeId: 'S', sku: 'F' }))?.onHand).toBe(14);
  });

  it('can be taken anew once it was released, not before', () => {
    const state = new PublishedState();
    const frozen = state.freeze();
    expect(() => state.freeze()).toThrow('frozen already');
    frozen.release();
    expect(state.freeze().lastSequence).toBe(0);
  });
});
