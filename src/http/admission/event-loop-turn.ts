import type { System } from '../../system.js';

/** How long a request may have waited for its turn before it is refused, in ms. */
export const WAIT_MS_MAX = 1_000;
/** A turn of this length is long: a few dozen connections in the backlog then wait for 0.1 s. */
const LONG_MS = 2;
/** Only a turn that ended this recently says something about the present. */
const JUST_ENDED_MS = 10;

/**
 * The age of the current turn of the event loop: the minimum time that the requests served in it have
 * waited. Everything that had arrived at the start of a turn is served one by one, so a request that is
 * served late in a long turn looks as if it had just come.
 */
export interface EventLoopTurn {
  /** Whether a request seen now has waited for longer than WAIT_MS_MAX. */
  isTooLong(): boolean;
  /** Whether this turn, or the one that has just ended, is long: connections may be waiting. */
  hasBeenLong(): boolean;
}

export function createEventLoopTurn({
  clock,
  timers,
}: Pick<System, 'clock' | 'timers'>): EventLoopTurn {
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
