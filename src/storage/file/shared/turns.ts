import { UnavailableError } from '../../../domain/errors.js';
import type { Random, Timers } from '../../../system.js';
import { afterArrivals } from '../log/arrivals.js';
import { StorageFatalError } from '../disk/errors.js';
import type { WriteGuard } from '../log/write-guard.js';
import type { TurnLock } from './turn-lock.js';

/** How long a write waits for its process's turn, in ms: its holder may be frozen. */
const TURN_WAIT_MS = 3_000;
/** How often the one at the head of the line looks whether it is its turn, in ms. */
const POLL_MS = 1;

/** Takes turns at writing with other processes: whatever changes the directory runs in one. */
export interface Turns {
  /**
   * Runs `work` on the state that the log ends with, in the next turn; in the present one where that
   * still takes work in. All the work of a turn becomes durable together. Rejects with what `work`
   * threw, or with UnavailableError: then it has not run, or what it did has not happened.
   */
  run<T>(work: () => T): T | Promise<T>;
  /** Runs `task` alone in a turn, before its work; it need not leave anything to commit. */
  runTask<T>(task: () => Promise<T>): Promise<T>;
  /** Resolves when what the present turn has taken in is durable; rejects where it was dropped. */
  readonly durable: Promise<void> | undefined;
  /** Resolves when nothing waits and no turn is under way. */
  settled(): Promise<void>;
  readonly waiting: number;
  readonly figures: TurnFigures;
}

export interface TurnFigures {
  turns: number;
  /** Work turned away because the turn did not come in time. */
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
  /** The turn has begun: bring the state to the end of the log, and the log to its watermark. */
  readonly begin: () => Promise<void>;
  /** Makes durable what the work has appended, and publishes it. */
  readonly commit: () => Promise<void>;
  /** What the work has appended is lost. */
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
  /** The turn that takes work in. */
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
    // Not everybody who has a part in it waits.
    durable.catch(() => undefined);
    try {
      // Where it must die of it, this never settles: the lock is held until the process ends.
      await guard.run(async () => {
        await deps.begin();
        for (const task of tasks.splice(0)) await task.run();
        open = durable;
        for (const each of work.splice(0)) each.start();
        // The requests that have already arrived come along.
        await new Promise<void>((resolve) => timers.immediate(resolve));
        open = undefined;
        await deps.commit();
      });
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
