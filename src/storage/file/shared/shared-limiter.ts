/**
 * The file `limits`: the token buckets of the clients of all servers that share the directory.
 * 16,384 rows of 64 bytes, each with room for four clients:
 *
 *   hash of the client, 8 bytes | when its bucket is full, a double: ms of the machine's monotonic clock
 *
 * Nothing is lost with it: who is not found in it has a full bucket. It is never synced.
 */
import * as fs from 'node:fs';
import { tryLock, unlock } from 'fs-native-extensions';
import {
  type Quota,
  type RateLimit,
  type RateLimiter,
  bucketRule,
  createRateLimiter,
} from '../../../resilience/rate-limiter.js';

const ENTRY_BYTES = 16;
const ENTRIES = 4;
const ROW_BYTES = ENTRIES * ENTRY_BYTES;
const ROWS = 16_384;
/** Whoever has a row needs it for some microseconds, unless the system gave its core to another. */
const ROW_TRIES = 5;
const ROW_WAIT_MS = 1;
const ROW_WAITS_MAX = 50;
/** One that is frozen in it: for so long nobody waits for it again. */
const GIVEN_UP_MS = 1_000;

export interface SharedLimiterDeps {
  readonly path: string;
  readonly limit: RateLimit;
  /** What the present time is ahead of `nowMs`, as `take` is given it, on the machine's clock. */
  readonly machineOffsetMs: number;
  readonly onWarning: (message: string) => void;
}

export interface SharedLimiter extends RateLimiter {
  close(): void;
}

/**
 * Every token is given once, whichever process gives it: a row is read, decided on and written under
 * a lock of the kernel on its bytes. All of that is synchronous, and costs some 4 µs. Where whoever
 * has the row is frozen in the middle it goes on without: rather a token too many than no answer.
 * Where the file cannot be used this process limits by itself.
 */
export function openSharedLimiter(deps: SharedLimiterDeps): SharedLimiter {
  const { path, limit, machineOffsetMs } = deps;
  const rule = bucketRule(limit);
  const bucketMs = (limit.burst * 1_000) / limit.perSecond;
  const alone = createRateLimiter(limit);
  const row = new DataView(new ArrayBuffer(ROW_BYTES));
  const hash = { one: 0, other: 0 };
  let descriptor = withoutFailing(() => openFull(path));
  let allowed = 0;
  let limited = 0;
  let givenUpUntilMs = 0;

  function withoutFailing<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      deps.onWarning(`${path} cannot be used, each server limits by itself: ${String(error)}`);
      return undefined;
    }
  }

  /** Where the client's entry is; else the one that is full first, whose client needs it least. */
  function entryOfClient(): number {
    let at = 0;
    for (let entry = 0; entry < ROW_BYTES; entry += ENTRY_BYTES) {
      if (isClients(entry)) return entry;
      if (fullAt(entry) < fullAt(at)) at = entry;
    }
    return at;
  }

  function isClients(entry: number): boolean {
    return row.getUint32(entry) === hash.one && row.getUint32(entry + 4) === hash.other;
  }

  function fullAt(entry: number): number {
    return row.getFloat64(entry + 8);
  }

  /** One of before the machine's last start may say what cannot be. */
  function known(entry: number, nowMs: number): number | undefined {
    const fullAtMs = fullAt(entry);
    return isClients(entry) && fullAtMs <= nowMs + bucketMs ? fullAtMs : undefined;
  }

  function takeIn(file: number, nowMs: number): Quota {
    const offset = (hash.one % ROWS) * ROW_BYTES;
    const isLocked = nowMs >= givenUpUntilMs && lockRow(file, offset);
    if (!isLocked && nowMs >= givenUpUntilMs) givenUpUntilMs = nowMs + GIVEN_UP_MS;
    try {
      fs.readSync(file, row, 0, ROW_BYTES, offset);
      const entry = entryOfClient();
      const taken = rule(known(entry, nowMs), nowMs);
      if (!taken.allowed) return taken;
      row.setUint32(entry, hash.one);
      row.setUint32(entry + 4, hash.other);
      row.setFloat64(entry + 8, taken.fullAtMs);
      fs.writeSync(file, row, entry, ENTRY_BYTES, offset + entry);
      return taken;
    } finally {
      if (isLocked) unlock(file, offset, ROW_BYTES);
    }
  }

  function takeAlone(client: string, nowMs: number): Quota {
    if (descriptor !== undefined) fs.closeSync(descriptor);
    descriptor = undefined;
    return alone.take(client, nowMs);
  }

  return {
    take(client, nowMs) {
      const file = descriptor;
      if (file === undefined) return alone.take(client, nowMs);
      Object.assign(hash, hashOf(client));
      const taken = withoutFailing(() => takeIn(file, nowMs + machineOffsetMs));
      if (taken === undefined) return takeAlone(client, nowMs);
      if (taken.allowed) allowed += 1;
      else limited += 1;
      return taken;
    },
    statistics() {
      const own = alone.statistics();
      return {
        clients: own.clients + (descriptor === undefined ? 0 : countClients(descriptor)),
        allowed: own.allowed + allowed,
        limited: own.limited + limited,
      };
    },
    close() {
      if (descriptor !== undefined) fs.closeSync(descriptor);
      descriptor = undefined;
    },
  };
}

/** Its whole length is there at once: later there may be no room. */
function openFull(path: string): number {
  const descriptor = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
  try {
    const { size } = fs.fstatSync(descriptor);
    const missing = ROWS * ROW_BYTES - size;
    if (missing > 0) fs.writeSync(descriptor, Buffer.alloc(missing), 0, missing, size);
    return descriptor;
  } catch (error) {
    fs.closeSync(descriptor);
    throw error;
  }
}

function lockRow(descriptor: number, offset: number): boolean {
  for (let waits = 0; waits <= ROW_WAITS_MAX; waits += 1) {
    for (let tries = 0; tries < ROW_TRIES; tries += 1) {
      if (tryLock(descriptor, offset, ROW_BYTES)) return true;
    }
    // Leaves the core to whoever has it.
    Atomics.wait(NOTHING, 0, 0, ROW_WAIT_MS);
  }
  return false;
}

const NOTHING = new Int32Array(new SharedArrayBuffer(4));

/** Two hashes like FNV-1a: clients are few, and choose their addresses among few. */
function hashOf(client: string): { readonly one: number; readonly other: number } {
  let one = 0x811c9dc5;
  let other = 0x01000193;
  for (let index = 0; index < client.length; index += 1) {
    const code = client.charCodeAt(index);
    one = Math.imul(one ^ code, 0x01000193);
    other = Math.imul(other ^ code, 0x85ebca6b) ^ (other >>> 13);
  }
  return { one: (one ^ (one >>> 15)) >>> 0, other: other >>> 0 };
}

function countClients(descriptor: number): number {
  const all = Buffer.alloc(ROWS * ROW_BYTES);
  const length = fs.readSync(descriptor, all, 0, all.length, 0);
  let clients = 0;
  for (let entry = 0; entry + ENTRY_BYTES <= length; entry += ENTRY_BYTES) {
    if (all.readDoubleBE(entry + 8) !== 0) clients += 1;
  }
  return clients;
}
