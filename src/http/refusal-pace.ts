import type { Clock } from '../system.js';

/** A refusal costs some 60 µs, most of them Node's for any request: these are a tenth of a core. */
export const REFUSALS_PER_MS = 1.5;
/** What may be saved up: a turn of a busy event loop is as long, in ms. */
const SAVED_MS_MAX = 100;

/** How many requests may be refused: whatever comes, what refusing costs is bounded. */
export interface RefusalPace {
  /** Whether one more may be refused now: then it is counted. */
  take(): boolean;
}

export function createRefusalPace(clock: Clock): RefusalPace {
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
