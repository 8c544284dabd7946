import type { KernelLock } from '../disk/kernel-lock.js';

/** The right to write: at most one process of all has it. */
export interface TurnLock {
  /** One try; where it fails, this process may be the next in line already. */
  tryTake(): boolean;
  /** Leaves the line, without having had a turn. */
  giveUp(): void;
  release(): void;
  isInPlace(): boolean;
  close(): void;
}

/**
 * `append` is the lock that counts; `next` is the place at the head of the line for it. Whoever has
 * had a turn finds that place taken by one who waits, and so cannot have the next one, too: with
 * `append` alone the one who lets go would almost always be the one who takes it again.
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
