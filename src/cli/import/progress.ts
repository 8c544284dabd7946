import { assert } from '../../assert.js';
import type { ProgressEntry } from './progress-log.js';
import { PLANNED, type StepState, isSettled, mayFollow } from './step-state.js';

/** The state of the import: exactly what its progress file says. */
export interface Progress {
  readonly of: (stepId: string) => StepState;
  /** The highest sequence that the service is known to have assigned; 0: none yet. */
  readonly lastSequence: number;
  readonly settledCount: number;
  /** Resolves when the progress file has the entries; only then does `of` return them. */
  record(...entries: readonly ProgressEntry[]): Promise<void>;
}

export function createProgress(
  found: ReadonlyMap<string, StepState>,
  append: (entries: readonly ProgressEntry[]) => Promise<void>,
): Progress {
  const states = new Map<string, StepState>();
  let lastSequence = 0;
  let settledCount = 0;

  function take(stepId: string, state: StepState): void {
    states.set(stepId, state);
    if ('sequence' in state) lastSequence = Math.max(lastSequence, state.sequence);
    if (isSettled(state)) settledCount += 1;
  }
  for (const [stepId, state] of found) take(stepId, state);

  return {
    of: (stepId) => states.get(stepId) ?? PLANNED,
    get lastSequence() {
      return lastSequence;
    },
    get settledCount() {
      return settledCount;
    },
    async record(...entries) {
      for (const { step, ...state } of entries) {
        assert(mayFollow(states.get(step) ?? PLANNED, state), `${step} cannot become ${state.at}`);
      }
      await append(entries);
      for (const { step, ...state } of entries) take(step, state);
    },
  };
}
