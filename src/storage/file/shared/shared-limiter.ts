/**
 * The file `limits`: the token buckets of the clients of all servers that share the directory.
 * 16,384 rows of 64 bytes, each with four entries:
 *
 *   hash of the client, 8 bytes | when its bucket is full, a double: ms, machine's monotonic clock
 *
 * The file is never synced, and may be lost: a client without an entry has a full bucket.
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
/** A row is locked for some microseconds, unless the process that locked it is preempted. */
const ROW_TRIES = 5;
const ROW_WAIT_MS = 1;
const ROW_WAITS_MAX = 50;
/** After waiting in vain for a row, this process locks no row for this long. */
const GIVEN_UP_MS = 1_000;

/** How far an exhausted bucket may seem to be beyond its size: clocks differ, and fractions round. */
const CLOCKS_APART_MS = 1_000;

export interface SharedLimiterDeps {
  readonly path: string;
  readonly limit: RateLimit;
  /** To be added to the `nowMs` of `take` to get the time of the machine's monotonic clock. */
  readonly machineOffsetMs: number;
  readonly onWarning: (message: string) => void;
}

export interface SharedLimiter extends RateLimiter {
  close(): void;
}

/**
 * Every token is spent once, in whichever process: a row is read, decided on and written under a
 * kernel lock on its bytes, synchronously, in some 4 µs. If the process that holds the lock is
 * frozen, others decide without it: one token too many is better than no answer. If the file cannot
 * be used, this process limits by itself.
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

  /** The client's entry; else the one whose bucket is full first, which its client needs least. */
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

  /** An entry from before the machine's last boot may state an impossibly late time. */
  function known(entry: number, nowMs: number): number | undefined {
    const fullAtMs = fullAt(entry);
    return isClients(entry) && fullAtMs <= nowMs + bucketMs + CLOCKS_APART_MS
      ? fullAtMs
      : undefined;
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

/** Allocates the file in full length: later there may be no room. */
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
    // Yields the core to the process that holds the row.
    Atomics.wait(NOTHING, 0, 0, ROW_WAIT_MS);
  }
  return false;
}

const NOTHING = new Int32Array(new SharedArrayBuffer(4));

/** Two hashes like FNV-1a: clients are few, and have few addresses to choose from. */
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
  const all = new Uint32Array((ROWS * ROW_BYTES) / 4);
  fs.readSync(descriptor, all, 0, all.byteLength, 0);
  let clients = 0;
  // The first half of a time that is not 0 is not 0 either.
  for (let word = 2; word < all.length; word += ENTRY_BYTES / 4) if (all[word] !== 0) clients += 1;
  return clients;
}
