import type { Timers } from '../../../system.js';
import { afterArrivals } from './arrivals.js';

/**
 * Collects what arrives while a write is under way, and writes it as one: a sync costs the same
 * for one record as for a thousand. One write at a time; the next starts when it has returned, and
 * those who keep arriving are there.
 */
export interface GroupCommit<T> {
  /**
   * Puts `item` into the next batch. The promise, shared by the batch, resolves when `write`
   * returned for it, and rejects with what it threw; then everything that came later is rejected
   * as well, since it was decided on what is lost now.
   */
  add(item: T): Promise<void>;
  /** Resolves (or rejects) when everything that is pending now has been written; else undefined. */
  pending(): Promise<void> | undefined;
  /** What all that is not written yet weighs. */
  readonly pendingWeight: number;
}

interface Batch<T> {
  readonly items: T[];
  weight: number;
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupCommitDeps<T> {
  readonly timers: Timers;
  /** Monotonic, in ms. */
  readonly now: () => number;
  /** Must not return before the items are durable. */
  readonly write: (items: readonly T[]) => Promise<void>;
  /** Called before anybody learns that the write failed, and before anything new is taken in. */
  readonly onFailed: () => void;
  readonly weigh: (item: T) => number;
}

export function createGroupCommit<T>(deps: GroupCommitDeps<T>): GroupCommit<T> {
  let collecting: Batch<T> | undefined;
  let writing: Batch<T> | undefined;
  let isAtWork = false;

  async function writeAll(): Promise<void> {
    isAtWork = true;
    while (collecting !== undefined) {
      const gathered = collecting.items;
      await afterArrivals(deps, () => gathered.length);
      writing = collecting;
      collecting = undefined;
      try {
        await deps.write(writing.items);
        writing.resolve();
      } catch (error) {
        const lost: (Batch<T> | undefined)[] = [writing, collecting];
        collecting = undefined;
        deps.onFailed();
        for (const batch of lost) batch?.reject(error);
      }
      writing = undefined;
    }
    isAtWork = false;
  }

  return {
    add(item) {
      collecting ??= newBatch();
      const { items, done } = collecting;
      items.push(item);
      collecting.weight += deps.weigh(item);
      if (!isAtWork) void writeAll();
      return done;
    },
    pending: () => (collecting ?? writing)?.done,
    get pendingWeight() {
      return (collecting?.weight ?? 0) + (writing?.weight ?? 0);
    },
  };
}

function newBatch<T>(): Batch<T> {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const done = new Promise<void>((onResolved, onRejected) => {
    resolve = onResolved;
    reject = onRejected;
  });
  // Not everybody who adds waits; a lost batch is answered for by those who do.
  done.catch(() => undefined);
  return { items: [], weight: 0, done, resolve, reject };
}
