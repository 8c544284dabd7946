import type { Socket } from 'node:net';
import type { System } from '../system.js';

/** What is refused beyond this has its connection held: some 5 % of a core go into refusing. */
const REFUSALS_PER_MS = 2;
const TICK_MS = 10;

/**
 * Keeps the refusing cheap. To refuse a request costs some 20 µs, most of them Node's for any
 * request: at ten times the load the refusing alone would be more than a whole core. So beyond some refusals
 * in a time a refused connection is not read for a while: what its client sends waits in the kernel,
 * which costs nothing. Held connections are read again in the order in which they were held, some in
 * every millisecond, and as soon as there is room, as many as there is room for.
 */
export interface HeldConnections {
  /** To be told of every request that was refused, once its answer is out. */
  refused(connection: Socket): void;
  readonly size: number;
}

export function createHeldConnections(
  { clock, timers }: Pick<System, 'clock' | 'timers'>,
  room: () => number,
): HeldConnections {
  const held = new Set<Socket>();
  let refusals = 0;
  let ticking = false;
  let tickedAtMs = 0;

  function tick(): void {
    refusals = 0;
    // Where the loop is slow a tick comes late, and stands for more than its time.
    const elapsedMs = clock.monotonicMs() - tickedAtMs;
    let left = Math.max(Math.ceil(elapsedMs * REFUSALS_PER_MS), room());
    for (const connection of held) {
      if (left === 0) break;
      left -= 1;
      held.delete(connection);
      connection.resume();
    }
    ticking = false;
    if (held.size > 0) keepTicking();
  }

  function hold(connection: Socket): void {
    if (connection.destroyed) return;
    held.add(connection);
    connection.pause();
    keepTicking();
  }

  function keepTicking(): void {
    if (ticking) return;
    ticking = true;
    tickedAtMs = clock.monotonicMs();
    timers.after(TICK_MS, tick);
  }

  return {
    refused(connection) {
      refusals += 1;
      keepTicking();
      // What is left of the request's body makes Node read on, once: not before that is over.
      if (refusals > TICK_MS * REFUSALS_PER_MS) timers.immediate(() => hold(connection));
    },
    get size() {
      return held.size;
    },
  };
}
