import type { Timers } from '../../../system.js';
import type { KernelLock } from '../disk/kernel-lock.js';

/** Interval at which a process without the role tries to take it, in ms. */
const ASK_AGAIN_MS = 500;

/** A role that only one process has at a time, such as making snapshots. */
export interface SingletonRole {
  readonly isHeld: boolean;
  /** Ends the role's work in this process, then releases the role. */
  close(): Promise<void>;
}

/**
 * Runs `whenHeld` in at most one process at a time: when the holder ends, however it ends, another
 * process takes over. A frozen holder keeps the role.
 */
export function takeRole(deps: {
  readonly lock: KernelLock;
  readonly timers: Timers;
  /** Starts the role's work; resolves with the function that ends it. */
  readonly whenHeld: () => Promise<() => Promise<void>>;
  readonly onError: (error: unknown) => void;
}): SingletonRole {
  const { lock, timers, whenHeld, onError } = deps;
  let ending: (() => Promise<void>) | undefined;
  let taking = Promise.resolve();
  let closed = false;
  let cancel = timers.after(0, ask);

  function ask(): void {
    if (lock.tryExclusive()) taking = start();
    else cancel = timers.after(ASK_AGAIN_MS, ask);
  }

  async function start(): Promise<void> {
    try {
      ending = await whenHeld();
    } catch (error) {
      lock.unlock();
      onError(error);
      if (!closed) cancel = timers.after(ASK_AGAIN_MS, ask);
    }
  }

  return {
    get isHeld() {
      return ending !== undefined;
    },
    async close() {
      closed = true;
      cancel();
      await taking;
      await ending?.();
      ending = undefined;
      lock.close();
    },
  };
}
