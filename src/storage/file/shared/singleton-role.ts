import type { Timers } from '../../../system.js';
import type { KernelLock } from '../disk/kernel-lock.js';

/** How often those who have not got the role ask for it, in ms. */
const ASK_AGAIN_MS = 500;

/** Something that one process of all does at a time, such as making snapshots. */
export interface SingletonRole {
  readonly isHeld: boolean;
  /** Ends what the role does here, then leaves it to another process. */
  close(): Promise<void>;
}

/**
 * Does `whenHeld` in exactly one process at a time: when its holder ends, however it ends, another
 * one takes over. A holder that is frozen keeps the role.
 */
export function takeRole(deps: {
  readonly lock: KernelLock;
  readonly timers: Timers;
  /** Starts what the role is; resolves with what ends it. */
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
