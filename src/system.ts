import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

/** Milliseconds since the Unix epoch, or a duration in ms; always an integer in records. */
export type Millis = number;

export interface Clock {
  /** The wall clock, which may jump in either direction at any time. */
  wallMs(): Millis;
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonicMs(): number;
}

export interface Timers {
  /** Runs `task` after everything that has already arrived on the event loop was served. */
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

/** Random bytes are drawn for this many ids at once: one by one they would dominate the cost. */
const IDS_AT_ONCE = 512;
const UUID_BYTES = 16;
const DIGITS = Buffer.from('0123456789abcdef');
/** Position of each byte's first digit in the text. */
const DIGITS_AT = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const;

/**
 * UUIDs, version 7 (RFC 9562), that sort in order of creation, even within a millisecond and while
 * the clock goes back. Each is written into one buffer and copied from there: joining parts would
 * make fifteen times as much garbage, for every request.
 */
function createIdSource(): IdSource {
  const pool = new Uint8Array(IDS_AT_ONCE * UUID_BYTES);
  const parts = Array.from({ length: IDS_AT_ONCE }, (_, index) =>
    pool.subarray(index * UUID_BYTES, (index + 1) * UUID_BYTES),
  );
  const bytes = new Uint8Array(UUID_BYTES);
  const text = Buffer.from('00000000-0000-0000-0000-000000000000');
  let used = IDS_AT_ONCE;
  let msecs = 0;
  /** RFC 9562, §6.2, method 1: a 32-bit counter after the time, starting at random below 2³¹. */
  let seq = 0;
  return {
    next() {
      if (used === IDS_AT_ONCE) {
        randomFillSync(pool);
        used = 0;
      }
      const random = parts[used] ?? pool;
      const now = Date.now();
      if (now > msecs) {
        msecs = now;
        seq = new DataView(random.buffer, random.byteOffset).getUint32(0) >>> 1;
      } else {
        seq = (seq + 1) >>> 0;
        if (seq === 0) msecs += 1;
      }
      v7({ random, msecs, seq }, bytes);
      used += 1;
      for (let index = 0; index < UUID_BYTES; index += 1) {
        const at = DIGITS_AT[index] ?? 0;
        const byte = bytes[index] ?? 0;
        text[at] = DIGITS[byte >>> 4] ?? 0;
        text[at + 1] = DIGITS[byte & 15] ?? 0;
      }
      return text.toString('latin1');
    },
  };
}
