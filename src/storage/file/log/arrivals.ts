import type { Timers } from '../../../system.js';

/** The longest that a batch waits for further arrivals, in ms. */
const GATHERING_MS_MAX = 2;

/**
 * Resolves after a turn of the event loop without a new arrival: at once if the loop is idle, under
 * load once the clients just answered have sent their next requests. A batch costs the same for few
 * items as for many, and while requests keep arriving the loop has no time to spare. `now`:
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
