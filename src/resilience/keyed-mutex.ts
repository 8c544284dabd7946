import { Mutex } from 'async-mutex';
import { assert } from '../assert.js';

export interface KeyedMutex {
  /** Runs `task` while no other task holds any of `keys`; in order of arrival per key. */
  runExclusive<T>(keys: readonly string[], task: () => T | Promise<T>): Promise<T>;
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
 * One mutex per key. Whoever wants several joins the queues of all of them in one step, in sorted
 * order: of any two, one is before the other in every queue they share, and so none can deadlock.
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

  async function runWithOne<T>(key: string, task: () => T | Promise<T>): Promise<T> {
    const turn = enter(key);
    if (turn !== undefined) await turn;
    try {
      return await task();
    } finally {
      leave(key);
    }
  }

  async function runWithAll<T>(keys: readonly string[], task: () => T | Promise<T>): Promise<T> {
    const turns = keys.map(enter).filter((turn) => turn !== undefined);
    if (turns.length > 0) await Promise.all(turns);
    try {
      return await task();
    } finally {
      for (const key of keys) leave(key);
    }
  }

  return {
    runExclusive(keys, task) {
      const [only] = keys;
      if (only !== undefined && keys.length === 1) return runWithOne(only, task);
      return runWithAll([...new Set(keys)].sort(), task);
    },
    get size() {
      return entries.size;
    },
  };
}
