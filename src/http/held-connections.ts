import type { Socket } from 'node:net';
import type { System } from '../system.js';
import { REFUSALS_PER_MS } from './refusal-pace.js';

const TICK_MS = 10;
const REFUSALS_PER_TICK = TICK_MS * REFUSALS_PER_MS;

/**
 * Keeps the refusing of requests that cannot wait for it cheap: beyond some refusals in a time a
 * refused connection is not read for a while, and what its client sends waits in the kernel, which
 * costs nothing. Held connections are read again in the order in which they were held, some in every
 * millisecond, each as one of those refusals.
 */
export interface HeldConnections {
  /** To be told of every request that was refused, once its answer is out. */
  refused(connection: Socket): void;
  readonly size: number;
}

export function createHeldConnections({
  clock,
  timers,
}: Pick<System, 'clock' | 'timers'>): HeldConnections {
  /** Those held last come last. */
  const held = new Set<Socket>();
  let refusals = 0;
  /** Of those in this tick so many may be of connections that were only read again to be refused. */
  let again = 0;
  let ticking = false;
  let tickedAtMs = 0;

  function tick(): void {
    refusals = again = 0;
    // Where the loop is slow a tick comes late, and stands for more than its time.
    const elapsedMs = clock.monotonicMs() - tickedAtMs;
    const countMax = Math.ceil(elapsedMs * REFUSALS_PER_MS);
    for (const connection of held) {
      if (again === countMax) break;
      again += 1;
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
      if (refusals > REFUSALS_PER_TICK - again) timers.immediate(() => hold(connection));
    },
    get size() {
      return held.size;
    },
  };
}
