import type { System } from '../system.js';

/** How long a request may have waited for its turn before it is refused, in ms. */
export const WAIT_MS_MAX = 1_000;
/** Of a turn: a few dozen connections at the door then wait for a tenth of a second. */
const LONG_MS = 2;
/** Later it was not followed by another. */
const JUST_ENDED_MS = 10;

/**
 * How long the requests that are served now have waited at the least. In a turn of the event loop
 * all that had arrived at its start is served one after the other: what is served late in a long
 * turn has waited since its start, although it looks as if it had just come.
 */
export interface LoopTurn {
  /** Whether what comes now has waited longer than anybody should. */
  isTooLong(): boolean;
  /** Whether this turn is long, or the last one that has just ended: others may be at the door. */
  hasBeenLong(): boolean;
}

export function createLoopTurn({ clock, timers }: Pick<System, 'clock' | 'timers'>): LoopTurn {
  let startedMs: number | undefined;
  let lastMs = 0;
  let endedMs = -Infinity;

  function end(): void {
    endedMs = clock.monotonicMs();
    lastMs = endedMs - (startedMs ?? endedMs);
    startedMs = undefined;
  }

  return {
    isTooLong() {
      const now = clock.monotonicMs();
      if (startedMs === undefined) {
        startedMs = now;
        timers.immediate(end);
      }
      return now - startedMs > WAIT_MS_MAX;
    },
    hasBeenLong() {
      const now = clock.monotonicMs();
      if (startedMs !== undefined && now - startedMs >= LONG_MS) return true;
      return lastMs >= LONG_MS && now - endedMs <= JUST_ENDED_MS;
    },
  };
}
