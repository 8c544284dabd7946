import type { Socket } from 'node:net';
import type { System } from '../../system.js';
import { REFUSALS_PER_MS } from './refusal-budget.js';

const TICK_MS = 10;
const REFUSALS_PER_TICK = TICK_MS * REFUSALS_PER_MS;

/**
 * Backpressure on clients whose requests are refused at once, without waiting for the refusal budget:
 * beyond that budget a refused connection is paused, and what its client sends waits in the kernel,
 * where it costs nothing. Paused connections are resumed in order, a few per millisecond, each counted
 * as one of the refusals of that time.
 */
export interface PausedConnections {
  /** Called for every refused request once its answer has been sent. */
  refused(connection: Socket): void;
  readonly size: number;
}

export function createPausedConnections({
  clock,
  timers,
}: Pick<System, 'clock' | 'timers'>): PausedConnections {
  /** In the order in which they were paused. */
  const paused = new Set<Socket>();
  let refusals = 0;
  /** Connections resumed in this tick: their next requests are expected to be refused, too. */
  let again = 0;
  let ticking = false;
  let tickedAtMs = 0;

  function tick(): void {
    refusals = again = 0;
    // On a busy loop a tick comes late and covers more than TICK_MS.
    const elapsedMs = clock.monotonicMs() - tickedAtMs;
    const countMax = Math.ceil(elapsedMs * REFUSALS_PER_MS);
    for (const connection of paused) {
      if (again === countMax) break;
      again += 1;
      paused.delete(connection);
      connection.resume();
    }
    ticking = false;
    if (paused.size > 0) keepTicking();
  }

  function pauseReading(connection: Socket): void {
    if (connection.destroyed) return;
    paused.add(connection);
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
      // The rest of the request's body makes Node resume the socket once; pause after that.
      if (refusals > REFUSALS_PER_TICK - again) timers.immediate(() => pauseReading(connection));
    },
    get size() {
      return paused.size;
    },
  };
}
