import type { KeyedMutex } from './keyed-mutex.js';

/** Keeps processes out of each other's way; advisory: correctness must not depend on it. */
export interface Leases {
  /**
   * Undefined: no other process is in the way. Else resolves with a function that releases the
   * leases, or rejects with UnavailableError 'lock-contended' if another process keeps one for too
   * long.
   */
  hold(keys: readonly string[]): Promise<() => void> | undefined;
}

/** The mutex of this process and, taken within it, the leases between processes. */
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
