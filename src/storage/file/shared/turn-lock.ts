import type { KernelLock } from '../disk/kernel-lock.js';

/** The right to write: at most one process has it. */
export interface TurnLock {
  /** Tries once; if it fails, this process may hold the place at the head of the line already. */
  tryTake(): boolean;
  /** Leaves the line without a turn. */
  giveUp(): void;
  release(): void;
  isInPlace(): boolean;
  close(): void;
}

/**
 * `append` is the lock that counts; `next` is the place at the head of the line for it. A process
 * that ends its turn finds that place taken by one that waits, so it cannot have the next turn,
 * too: with `append` alone, the process that releases it would almost always be the one to take it
 * again.
 */
export function createTurnLock(append: KernelLock, next: KernelLock): TurnLock {
  let isNext = false;

  function leaveLine(): void {
    if (isNext) next.unlock();
    isNext = false;
  }

  return {
    tryTake() {
      isNext ||= next.tryExclusive();
      if (!isNext || !append.tryExclusive()) return false;
      leaveLine();
      return true;
    },
    giveUp: leaveLine,
    release: () => append.unlock(),
    isInPlace: () => append.isInPlace(),
    close() {
      append.close();
      next.close();
    },
  };
}
