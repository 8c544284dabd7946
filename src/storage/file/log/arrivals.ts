import type { Timers } from '../../../system.js';

/** So long, in ms, those who have arrived wait at the most for those who still arrive. */
const GATHERING_MS_MAX = 2;

/**
 * Resolves after a turn of the event loop that has brought nobody new: with a loop that is idle at
 * once, under load when those who were just answered have come back. A batch costs the same for a
 * few as for all of them, and while requests keep arriving the loop has no time to lose. `now`:
 * monotonic, in ms.
 */
export async function afterArrivals(
  { timers, now }: { readonly timers: Timers; readonly now: () => number },
  arrived: () => number,
): Promise<void> {
  const until = now() + GATHERING_MS_MAX;
  let known: number;
  do {
    known = arrived();
    await new Promise<void>((resolve) => timers.immediate(resolve));
  } while (arrived() > known && now() < until);
}
