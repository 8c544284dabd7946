import type { KeyedMutex } from './keyed-mutex.js';

/** Keeps other processes out of the way; a hint, nothing may depend on it. */
export interface Leases {
  /**
   * Undefined: nobody is in the way, go on. Else resolves with what lets go, or rejects with
   * UnavailableError 'lock-contended' where another process does not let go in time.
   */
  hold(keys: readonly string[]): Promise<() => void> | undefined;
}

/** The mutex of this process, and within it the leases that keep it and others apart. */
export function createLeasedMutex(mutex: KeyedMutex, leases: Leases): KeyedMutex {
  async function runHolding<T>(
    holding: Promise<() => void>,
    task: () => T | Promise<T>,
  ): Promise<T> {
    const letGo = await holding;
    try {
      return await task();
    } finally {
      letGo();
    }
  }

  return {
    runExclusive: (keys, task) =>
      mutex.runExclusive(keys, () => {
        const holding = leases.hold(typeof keys === 'function' ? keys() : keys);
        return holding === undefined ? task() : runHolding(holding, task);
      }),
    get size() {
      return mutex.size;
    },
  };
}
