import type { Clock, Timers } from '../../system.js';

/**
 * Accepts waiting connections before serving the requests of those that are open. Node accepts only
 * one connection per turn of its event loop (libuv since 1.45), and serves in that turn every request
 * that has arrived. When turns are long, a new connection waits in the kernel's backlog for one turn
 * per connection ahead of it: a probe waits behind all of them, and many clients give up first, so
 * that their requests are executed for nobody. So while turns keep bringing new connections, requests
 * are deferred and the next turn follows at once.
 */
export interface AcceptPriority {
  /** To be told of every new connection. */
  connectionCame(): void;
  /** Connections are being accepted: serving a request now would keep them waiting. */
  readonly isAccepting: boolean;
  /** As `isAccepting`, or deferred tasks have not started yet: starting one now would overtake them. */
  readonly isInUse: boolean;
  /** Runs the task in the next turn, or once accepting has ended; in the order of the calls. */
  afterwards(task: () => void): void;
}

/**
 * At least this many connections are accepted in a row, and at most as many as requests are deferred:
 * a client that only opens connections must not starve the others.
 */
const ACCEPTS_MIN = 8;
/**
 * The requests of newly accepted connections are deferred as well, and count. With fewer accepts, or
 * only 50 ms, the backlog keeps growing (a probe then takes 15 s). But deferred requests must not use
 * up more than half of the time that any request may wait (WAIT_MS_MAX).
 */
const ACCEPTING_MS_MAX = 500;

/** `isBusy`: whether turns are long; while they are short no connection waits long in the backlog. */
export function createAcceptPriority(
  { clock, timers }: { readonly clock: Clock; readonly timers: Pick<Timers, 'immediate'> },
  isBusy: () => boolean,
): AcceptPriority {
  let tasks: (() => void)[] = [];
  let hasCome = false;
  let isAccepting = false;
  let turns = 0;
  let beganMs = 0;
  /** Groups of deferred tasks that are scheduled and have not all started. */
  let beginning = 0;

  function isTime(): boolean {
    return clock.monotonicMs() - beganMs < ACCEPTING_MS_MAX;
  }

  function afterTurn(): void {
    if (hasCome && (turns < ACCEPTS_MIN || (turns < tasks.length && isTime()))) {
      hasCome = false;
      turns += 1;
      timers.immediate(afterTurn);
      return;
    }
    isAccepting = hasCome = false;
    turns = 0;
    const waiting = tasks;
    tasks = [];
    // One immediate each: the microtasks of one task run before the next task.
    for (const task of waiting) timers.immediate(task);
    if (waiting.length === 0) return;
    beginning += 1;
    timers.immediate(() => (beginning -= 1));
  }

  return {
    connectionCame() {
      hasCome = true;
      if (isAccepting || !isBusy()) return;
      isAccepting = true;
      beganMs = clock.monotonicMs();
      timers.immediate(afterTurn);
    },
    get isAccepting() {
      return isAccepting;
    },
    get isInUse() {
      return isAccepting || beginning > 0;
    },
    afterwards(task) {
      if (isAccepting) tasks.push(task);
      else timers.immediate(task);
    },
  };
}
