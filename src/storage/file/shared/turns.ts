import { UnavailableError } from '../../../domain/errors.js';
import type { Random, Timers } from '../../../system.js';
import { afterArrivals } from '../log/arrivals.js';
import { StorageFatalError } from '../disk/errors.js';
import type { WriteGuard } from '../log/write-guard.js';
import type { TurnLock } from './turn-lock.js';

/** How long a write waits for its process's turn, in ms: the holder of the turn may be frozen. */
const TURN_WAIT_MS = 3_000;
/** Least interval between tries for the turn, in ms; up to as much jitter is added. */
const POLL_MS = 1;

/** Takes turns at writing with other processes: every change of the directory runs in a turn. */
export interface Turns {
  /**
   * Runs `work` on the newest state of the log: at once if the present turn still accepts work,
   * else in the next turn. All work of a turn becomes durable together. Throws, or rejects with,
   * the error of `work`, or rejects with UnavailableError: then `work` has not run.
   */
  run<T>(work: () => T): T | Promise<T>;
  /**
   * Runs `task` by itself in a turn, before the turn's work; it need not add anything to commit.
   */
  runTask<T>(task: () => Promise<T>): Promise<T>;
  /**
   * Resolves when the work of the present turn is durable; rejects if it was dropped. Undefined
   * unless the turn accepts work.
   */
  readonly durable: Promise<void> | undefined;
  /** Resolves when nothing waits and no turn is in progress. */
  settled(): Promise<void>;
  readonly waiting: number;
  readonly figures: TurnFigures;
}

export interface TurnFigures {
  turns: number;
  /** Work refused because its turn did not come in time. */
  timedOut: number;
  /** Time spent waiting for turns, in ms. */
  waitedMs: number;
}

export interface TurnsDeps {
  readonly timers: Timers;
  readonly random: Random;
  readonly now: () => number;
  readonly lock: TurnLock;
  readonly guard: Pick<WriteGuard, 'run'>;
  /** Called first in a turn: brings the state to the watermark, and cuts the log there. */
  readonly begin: () => Promise<void>;
  /** Makes the events of the turn's work durable, and publishes them. */
  readonly commit: () => Promise<void>;
  /** Whether a turn only serves to find out whether the disk takes writes. */
  readonly isProbing: () => boolean;
  /** Discards the events of the turn's work. */
  readonly drop: () => void;
}

interface Waiting {
  readonly since: number;
  start(): void;
  refuse(error: unknown): void;
}

export function createTurns(deps: TurnsDeps): Turns {
  const { timers, random, now, lock, guard } = deps;
  const figures: TurnFigures = { turns: 0, timedOut: 0, waitedMs: 0 };
  let work: Waiting[] = [];
  const tasks: (Waiting & { readonly run: () => Promise<void> })[] = [];
  let running: Promise<void> | undefined;
  /** The `durable` promise of the present turn while it accepts work. */
  let open: Promise<void> | undefined;

  function wake(): void {
    running ??= takeTurns().finally(() => {
      running = undefined;
      if (work.length + tasks.length > 0) wake();
    });
  }

  async function takeTurns(): Promise<void> {
    while (work.length + tasks.length > 0) {
      await afterArrivals(deps, () => work.length + tasks.length);
      if (await comesUp()) await takeTurn();
    }
  }

  async function comesUp(): Promise<boolean> {
    const since = now();
    while (!lock.tryTake()) {
      refuseLate();
      if (work.length + tasks.length === 0) {
        lock.giveUp();
        return false;
      }
      await new Promise<void>((resolve) => {
        timers.after(POLL_MS * (1 + random.next()), resolve);
      });
    }
    figures.waitedMs += now() - since;
    return true;
  }

  function refuseLate(): void {
    const late = now() - TURN_WAIT_MS;
    const isLate = ({ since }: Waiting): boolean => since < late;
    if (work[0] !== undefined && isLate(work[0])) {
      const on = work.filter((each) => !isLate(each));
      refuse(work.filter(isLate));
      work = on;
    }
    while (tasks[0] !== undefined && isLate(tasks[0])) refuse(tasks.splice(0, 1));
  }

  function refuse(late: readonly Waiting[]): void {
    figures.timedOut += late.length;
    for (const each of late) each.refuse(new UnavailableError('lock-contended', TURN_WAIT_MS));
  }

  async function takeTurn(): Promise<void> {
    figures.turns += 1;
    let succeed!: () => void;
    let fail!: (error: unknown) => void;
    const durable = new Promise<void>((resolve, reject) => ([succeed, fail] = [resolve, reject]));
    // Not all work awaits it: a rejection that none handles must not end the process.
    durable.catch(() => undefined);
    // Without a client's work its failure must not open the breaker.
    const isProbe = deps.isProbing() || work.length === 0;
    try {
      // After a fatal error this never settles: the lock is held until the process ends.
      await guard.run(async () => {
        await deps.begin();
        for (const task of tasks.splice(0)) await task.run();
        open = durable;
        for (const each of work.splice(0)) each.start();
        // Requests that have already arrived join this turn.
        await new Promise<void>((resolve) => timers.immediate(resolve));
        open = undefined;
        await deps.commit();
      }, isProbe);
      lock.release();
      succeed();
    } catch (error) {
      open = undefined;
      deps.drop();
      lock.release();
      fail(error);
      for (const each of [...work.splice(0), ...tasks.splice(0)]) each.refuse(error);
    }
  }

  return {
    figures,
    run<T>(task: () => T): T | Promise<T> {
      if (open !== undefined) return task();
      return new Promise<T>((resolve, reject) => {
        work.push({
          since: now(),
          start() {
            try {
              resolve(task());
            } catch (error) {
              reject(error instanceof Error ? error : new Error(String(error)));
            }
          },
          refuse: reject,
        });
        wake();
      });
    },
    runTask<T>(task: () => Promise<T>) {
      return new Promise<T>((resolve, reject) => {
        tasks.push({
          since: now(),
          start: () => undefined,
          async run() {
            try {
              resolve(await task());
            } catch (error) {
              if (error instanceof StorageFatalError) throw error;
              reject(error instanceof Error ? error : new Error(String(error)));
            }
          },
          refuse: reject,
        });
        wake();
      });
    },
    get durable() {
      return open;
    },
    async settled() {
      while (running !== undefined) await running;
    },
    get waiting() {
      return work.length;
    },
  };
}
