import { Mutex } from 'async-mutex';
import { assert } from '../assert.js';

type MaybePromise<T> = T | Promise<T>;

export interface KeyedMutex {
  /**
   * Runs `task` while no other task holds any of `keys`; in order of arrival per key. A task that
   * finds its keys free and returns synchronously needs no lock, since nothing can run in between:
   * its result is then returned, or its error thrown, synchronously. `keys` as a function is called
   * only if the keys are needed.
   */
  runExclusive<T>(
    keys: readonly string[] | (() => readonly string[]),
    task: () => MaybePromise<T>,
  ): MaybePromise<T>;
  /** How many keys are held or waited for; idle keys take no memory. */
  readonly size: number;
}

interface Entry {
  /** Created for the second user: most keys have only one user at a time. */
  mutex: Mutex | undefined;
  /** The holder and the waiters; at 0 the entry is deleted. */
  users: number;
}

/**
 * One mutex per key. A task that wants several keys joins all their queues in one step: of any two
 * tasks, one precedes the other in every queue they share, so that no deadlock is possible.
 */
export function createKeyedMutex(): KeyedMutex {
  const entries = new Map<string, Entry>();

  /** Joins the queue of a key; undefined: it was free, and is held now. */
  function enter(key: string): Promise<unknown> | undefined {
    const entry = entries.get(key);
    if (entry === undefined) {
      entries.set(key, { mutex: undefined, users: 1 });
      return undefined;
    }
    entry.users += 1;
    if (entry.mutex === undefined) {
      entry.mutex = new Mutex();
      // On behalf of the present holder: `acquire` takes a free mutex synchronously.
      void entry.mutex.acquire();
    }
    return entry.mutex.acquire();
  }

  function leave(key: string): void {
    const entry = entries.get(key);
    assert(entry !== undefined, 'a key is left that nobody entered');
    entry.users -= 1;
    if (entry.users === 0) entries.delete(key);
    else entry.mutex?.release();
  }

  /** Takes the keys, waiting for other holders, runs `start`, and releases the keys. */
  async function runHolding<T>(
    keys: ReadonlySet<string>,
    start: () => MaybePromise<T>,
  ): Promise<T> {
    const turns: Promise<unknown>[] = [];
    for (const key of keys) {
      const turn = enter(key);
      if (turn !== undefined) turns.push(turn);
    }
    if (turns.length > 0) await Promise.all(turns);
    try {
      return await start();
    } finally {
      for (const key of keys) leave(key);
    }
  }

  function isFree(keys: ReadonlySet<string>): boolean {
    for (const key of keys) if (entries.has(key)) return false;
    return true;
  }

  return {
    runExclusive(keys, task) {
      const named = () => new Set(typeof keys === 'function' ? keys() : keys);
      if (entries.size > 0) {
        const wanted = named();
        if (!isFree(wanted)) return runHolding(wanted, task);
      }
      const result = task();
      if (!(result instanceof Promise)) return result;
      // Still synchronous: no other task can have taken these keys.
      return runHolding(named(), () => result);
    },
    get size() {
      return entries.size;
    },
  };
}
