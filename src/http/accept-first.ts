import type { Clock, Timers } from '../system.js';

/**
 * Lets in whoever is at the door before serving those who are in. Node accepts one connection in a
 * turn of its event loop (libuv since 1.45), and serves in it all that had arrived: where a turn is
 * long, because there is much to do, each new connection would wait in the kernel for as many turns
 * as there are connections before it: a probe behind all of them, and many until their client has
 * left, whose request would then be executed for nobody. So while turns bring new connections what
 * has arrived waits, and the next turn follows at once.
 */
export interface AcceptFirst {
  /** To be told of every new connection. */
  connectionCame(): void;
  /** Whether others are being let in: what is begun now keeps them waiting. */
  readonly isLettingIn: boolean;
  /** Or something has waited for that, and is not begun yet: what is begun now overtakes it. */
  readonly isInUse: boolean;
  /** Runs it in the next turn, or when those at the door are in: in the order of asking. */
  afterwards(task: () => void): void;
}

/**
 * As many are let in as wait to be served, or so many: who only opens connections must not keep
 * everybody else from being served.
 */
const LET_IN_MIN = 8;
/**
 * What those bring who are let in waits too, and counts: with fewer, or in 50 ms, a crowd grows at the
 * door (a probe then takes 15 s). But who is in must not wait for longer than half of what anybody
 * may (WAIT_MS_MAX).
 */
const LET_IN_MS_MAX = 500;

/** `isBusy`: whether turns are long; where they are short nobody at the door waits for long. */
export function createAcceptFirst(
  { clock, timers }: { readonly clock: Clock; readonly timers: Pick<Timers, 'immediate'> },
  isBusy: () => boolean,
): AcceptFirst {
  let tasks: (() => void)[] = [];
  let hasCome = false;
  let isLettingIn = false;
  let turns = 0;
  let beganMs = 0;
  /** How many times tasks are on their way to be begun. */
  let beginning = 0;

  function isTime(): boolean {
    return clock.monotonicMs() - beganMs < LET_IN_MS_MAX;
  }

  function afterTurn(): void {
    if (hasCome && (turns < LET_IN_MIN || (turns < tasks.length && isTime()))) {
      hasCome = false;
      turns += 1;
      timers.immediate(afterTurn);
      return;
    }
    isLettingIn = hasCome = false;
    turns = 0;
    const waiting = tasks;
    tasks = [];
    // Each by itself: what one of them leaves to be done at once comes before the next.
    for (const task of waiting) timers.immediate(task);
    if (waiting.length === 0) return;
    beginning += 1;
    timers.immediate(() => (beginning -= 1));
  }

  return {
    connectionCame() {
      hasCome = true;
      if (isLettingIn || !isBusy()) return;
      isLettingIn = true;
      beganMs = clock.monotonicMs();
      timers.immediate(afterTurn);
    },
    get isLettingIn() {
      return isLettingIn;
    },
    get isInUse() {
      return isLettingIn || beginning > 0;
    },
    afterwards(task) {
      if (isLettingIn) tasks.push(task);
      else timers.immediate(task);
    },
  };
}
