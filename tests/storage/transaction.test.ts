import { describe, expect, it } from 'vitest';
import { LayeredState } from '../../src/storage/layered-state.js';
import { PublishedState } from '../../src/storage/published-state.js';
import { runTransaction } from '../../src/storage/transaction.js';
import { FoldState } from '../support/fold-state.js';
import { type Fact, RETENTION_MS, START, held, settled, stocked } from '../support/facts.js';

/** A state with room for two records and two reservations, all of which are there. */
function fullState() {
  const state = new LayeredState(new PublishedState({ records: 2, reservations: 2 }));
  const fold = new FoldState();
  function happen(fact: Fact, at = START): void {
    const { appended } = runTransaction(state, at, ({ append }) => append(fact(fold)));
    for (const event of appended) fold.apply(event);
    state.publish(state.lastSequence);
  }
  happen(stocked('S1/A', 10));
  happen(stocked('S1/B', 10));
  happen(held('r1', { 'S1/A': 1 }));
  happen(held('r2', { 'S1/A': 1 }));
  return { state, happen };
}

describe('a state without room for more', () => {
  it.each([
    ['record', stocked('S1/C', 1)],
    ['reservation', held('r3', { 'S1/B': 1 })],
  ])('refuses one more %s, and keeps nothing of it', (_name, fact) => {
    const { state, happen } = fullState();
    expect(() => happen(fact)).toThrow(expect.objectContaining({ code: 'overloaded' }));
    expect(state.lastSequence).toBe(4);
  });

  it('takes all that makes it no larger, and more once something is forgotten', () => {
    const { state, happen } = fullState();
    happen(stocked('S1/A', 12));
    happen(settled('released', 'r1', { 'S1/A': 1 }));
    expect(() => happen(held('r3', { 'S1/B': 1 }))).toThrow();
    const later = START + 2 * RETENTION_MS;
    happen(held('r3', { 'S1/B': 1 }, { at: later }), later);
    expect(state.published.counts).toMatchObject({ records: 2, reservations: 2 });
  });
});
