import type { Timers } from '../../../system.js';
import { afterArrivals } from './arrivals.js';

/**
 * Group commit: collects the items that arrive during a write and writes them as one batch, since a
 * sync costs the same for one record as for a thousand. One write at a time; the next starts once
 * it has returned and arrivals have paused (`afterArrivals`).
 */
export interface GroupCommit<T> {
  /**
   * Adds `item` to the next batch. The promise, shared by the batch, resolves when `write` has
   * written it, and rejects with the error of `write`; then all later items are rejected as well,
   * since they were decided on events that are now lost.
   */
  add(item: T): Promise<void>;
  /** Writes what is collected, or else an empty batch: settles with the outcome of that write. */
  flush(): Promise<void>;
  /** Settles when everything now pending has been written, or has failed; undefined: none is. */
  pending(): Promise<void> | undefined;
  /** Total weight of the items that are not written yet. */
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
  /** Called before any promise is rejected for a failed write, and before a new item is added. */
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
    flush() {
      const { done } = (collecting ??= newBatch());
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
  // Not every caller of `add` awaits it: a rejection that none handles must not end the process.
  done.catch(() => undefined);
  return { items: [], weight: 0, done, resolve, reject };
}
