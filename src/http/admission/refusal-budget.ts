import type { Clock } from '../../system.js';

/** A refusal costs some 60 µs, mostly what Node needs for any request: this is a tenth of a core. */
export const REFUSALS_PER_MS = 1.5;
/** Unused budget is kept for this long: about one turn of a busy event loop. */
const SAVED_MS_MAX = 100;

/** A token bucket of refusals: bounds what refusing costs, however many requests come. */
export interface RefusalBudget {
  /** Takes one refusal from the budget; false: it is used up for now. */
  take(): boolean;
}

export function createRefusalBudget(clock: Clock): RefusalBudget {
  let saved = SAVED_MS_MAX * REFUSALS_PER_MS;
  let atMs = clock.monotonicMs();

  return {
    take() {
      const now = clock.monotonicMs();
      saved = Math.min(SAVED_MS_MAX * REFUSALS_PER_MS, saved + (now - atMs) * REFUSALS_PER_MS);
      atMs = now;
      if (saved < 1) return false;
      saved -= 1;
      return true;
    },
  };
}
