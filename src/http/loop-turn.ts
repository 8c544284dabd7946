import type { System } from '../system.js';

/** How long a request may have waited for its turn before it is refused, in ms. */
const WAIT_MS_MAX = 1_000;

/**
 * How long the requests that are served now have waited at the least. In a turn of the event loop
 * all that had arrived at its start is served one after the other: what is served late in a long
 * turn has waited since its start, although it looks as if it had just come.
 */
export interface LoopTurn {
  /** Whether what comes now has waited longer than anybody should. */
  isTooLong(): boolean;
}

export function createLoopTurn({ clock, timers }: Pick<System, 'clock' | 'timers'>): LoopTurn {
  let startedMs: number | undefined;

  function end(): void {
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
  };
}
