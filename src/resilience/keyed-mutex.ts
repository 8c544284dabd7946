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

/** One mutex per key. Several keys are always taken in sorted order, so that no two can deadlock. */
export function createKeyedMutex(): KeyedMutex {
  const entries = new Map<string, Entry>();

  async function runWith<T>(key: string, task: () => T | Promise<T>): Promise<T> {
    let entry = entries.get(key);
    if (entry === undefined) {
      entry = { mutex: new Mutex(), users: 0 };
      entries.set(key, entry);
    }
    entry.users += 1;
    try {
      return await entry.mutex.runExclusive(task);
    } finally {
      entry.users -= 1;
      if (entry.users === 0) entries.delete(key);
    }
  }

  async function runInOrder<T>(
    keys: readonly string[],
    index: number,
    task: () => T | Promise<T>,
  ): Promise<T> {
    const key = keys[index];
    if (key === undefined) return await task();
    return await runWith(key, () => runInOrder(keys, index + 1, task));
  }

  return {
    runExclusive(keys, task) {
      const [only] = keys;
      if (only !== undefined && keys.length === 1) return runWith(only, task);
      return runInOrder([...new Set(keys)].sort(), 0, task);
    },
    get size() {
      return entries.size;
    },
  };
}
