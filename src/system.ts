import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

/** Milliseconds since the Unix epoch, or a distance in milliseconds; always an integer in records. */
export type Millis = number;

export interface Clock {
  /** The wall clock: may jump in either direction at any time. */
  wallMs(): Millis;
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonicMs(): number;
}

export interface Timers {
  /** Runs `task` after what has already arrived on the event loop has been served. */
  immediate(task: () => void): void;
  /** Runs `task` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, task: () => void): () => void;
}

export interface IdSource {
  /** A new identifier, unique over all processes and restarts. */
  next(): string;
}

export interface Random {
  /** A uniform number in [0, 1). */
  next(): number;
}

export interface System {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly ids: IdSource;
  readonly random: Random;
}

/** The real clock, timers, ids and randomness; tests and simulations pass their own. */
export function createSystem(): System {
  return {
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    timers: {
      immediate: (task) => void setImmediate(task),
      after: (delayMs, task) => {
        const handle = setTimeout(task, delayMs);
        return () => clearTimeout(handle);
      },
    },
    ids: createIdSource(),
    random: { next: () => Math.random() },
  };
}

/** Random bytes are fetched this many at a time: one by one they cost more than all the rest. */
const RANDOM_POOL_BYTES = 8_192;
const UUID_BYTES = 16;

/** UUIDs, version 7 (RFC 9562): they sort by the millisecond of their making. */
function createIdSource(): IdSource {
  const pool = new Uint8Array(RANDOM_POOL_BYTES);
  let used = pool.length;
  return {
    next() {
      if (used === pool.length) {
        randomFillSync(pool);
        used = 0;
      }
      used += UUID_BYTES;
      return v7({ random: pool.subarray(used - UUID_BYTES, used) });
    },
  };
}
