import type { Socket } from 'node:net';
import type { Timers } from '../system.js';

/** What is told in a tick beyond this has its connection held: about 2 % of a core for refusing. */
const REFUSALS_PER_TICK = 20;
const TICK_MS = 10;

/**
 * Keeps the refusing cheap. To refuse a request costs about an eighth of what it costs to serve it:
 * at ten times the load the refusing alone would be more than a whole core. So beyond some refusals
 * in a tick a refused connection is not read for a while: what its client sends waits in the kernel,
 * which costs nothing. Held connections are read again in the order in which they were held, some in
 * every tick, and as soon as there is room, as many as there is room for.
 */
export interface HeldConnections {
  /** To be told of every request that was refused, once its answer is out. */
  refused(connection: Socket): void;
  readonly size: number;
}

export function createHeldConnections(timers: Timers, room: () => number): HeldConnections {
  const held = new Set<Socket>();
  let refusals = 0;
  let ticking = false;

  function tick(): void {
    refusals = 0;
    let left = Math.max(REFUSALS_PER_TICK, room());
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
    timers.after(TICK_MS, tick);
  }

  return {
    refused(connection) {
      refusals += 1;
      keepTicking();
      // What is left of the request's body makes Node read on, once: not before that is over.
      if (refusals > REFUSALS_PER_TICK) timers.immediate(() => hold(connection));
    },
    get size() {
      return held.size;
    },
  };
}
