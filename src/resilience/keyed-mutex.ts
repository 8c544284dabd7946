import { Mutex } from 'async-mutex';
import { assert } from '../assert.js';

type MaybePromise<T> = T | Promise<T>;

export interface KeyedMutex {
  /**
   * Runs `task` while no other task holds any of `keys`; in order of arrival per key. A task that
   * finds its keys free and returns at once needs no lock, since nobody can come in between: then
   * its result is returned at once, too, and what it threw is thrown. `keys` as a function is asked
   * only where they matter.
   */
  runExclusive<T>(
    keys: readonly string[] | (() => readonly string[]),
    task: () => MaybePromise<T>,
  ): MaybePromise<T>;
  /** How many keys are held or waited for: idle keys cost nothing. */
  readonly size: number;
}

interface Entry {
  /** Most keys are wanted by one task at a time: made for the second one that comes. */
  mutex: Mutex | undefined;
  /** Holders and waiters; at 0 the entry goes. */
  users: number;
}

/**
 * One mutex per key. Whoever wants several joins the queues of all of them in one step: of any two,
 * one is before the other in every queue they share, and so none can deadlock.
 */
export function createKeyedMutex(): KeyedMutex {
  const entries = new Map<string, Entry>();

  /** Joins the queue of a key; undefined: nobody had it, it is ours now. */
  function enter(key: string): Promise<unknown> | undefined {
    const entry = entries.get(key);
    if (entry === undefined) {
      entries.set(key, { mutex: undefined, users: 1 });
      return undefined;
    }
    entry.users += 1;
    if (entry.mutex === undefined) {
      entry.mutex = new Mutex();
      // For the one who holds the key without: a free mutex is taken before acquire returns.
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

  /** Takes the keys, which somebody may hold, before `start`; and lets go of them after it. */
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
      // Still the same turn: nobody has had the chance to look at these keys.
      return runHolding(named(), () => result);
    },
    get size() {
      return entries.size;
    },
  };
}
