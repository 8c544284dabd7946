import type { AggregateRepository } from '../../application/central-aggregate.js';
import { UnavailableError } from '../../domain/errors.js';
import { createAggregateState } from '../aggregate-state.js';

/** The central view in the memory of this process; the same contract as every driver. */
export function createMemoryAggregateRepository(): AggregateRepository {
  const state = createAggregateState();
  let closed = false;
  return {
    ...state.reads,
    async commit(commit) {
      if (closed) throw new UnavailableError('shutting-down', 1_000);
      state.apply(commit);
    },
    async retainSources(names, at) {
      const gone = state.sourceNames().filter((name) => !names.includes(name));
      for (const name of gone) state.drop(name, state.droppedLetters(name, at));
      return gone;
    },
    async close() {
      closed = true;
    },
  };
}
