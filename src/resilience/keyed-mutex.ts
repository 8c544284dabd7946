import { Mutex } from 'async-mutex';

export interface KeyedMutex {
  /** Runs `task` while no other task holds any of `keys`; in order of arrival per key. */
  runExclusive<T>(keys: readonly string[], task: () => T | Promise<T>): Promise<T>;
  /** How many keys are held or waited for: idle keys cost nothing. */
  readonly size: number;
}

interface Entry {
  readonly mutex: Mutex;
  /** Holders and waiters; at 0 the entry goes. */
  users: number;
}

/**
 * One mutex per key. Whoever wants several joins the queues of all of them in one step, in sorted
 * order: of any two, one is before the other in every queue they share, and so none can deadlock.
 */
export function createKeyedMutex(): KeyedMutex {
  const entries = new Map<string, Entry>();

  function enter(key: string): Entry {
    let entry = entries.get(key);
    if (entry === undefined) {
      entry = { mutex: new Mutex(), users: 0 };
      entries.set(key, entry);
    }
    entry.users += 1;
    return entry;
  }

  function leave(key: string, entry: Entry): void {
    entry.mutex.release();
    entry.users -= 1;
    if (entry.users === 0) entries.delete(key);
  }

  async function runWithOne<T>(key: string, task: () => T | Promise<T>): Promise<T> {
    const entry = enter(key);
    await entry.mutex.acquire();
    try {
      return await task();
    } finally {
      leave(key, entry);
    }
  }

  async function runWithAll<T>(keys: readonly string[], task: () => T | Promise<T>): Promise<T> {
    const held = keys.map((key) => [key, enter(key)] as const);
    await Promise.all(held.map(([, { mutex }]) => mutex.acquire()));
    try {
      return await task();
    } finally {
      for (const [key, entry] of held) leave(key, entry);
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
