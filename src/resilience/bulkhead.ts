import { assert } from '../assert.js';
import type { Clock, Timers } from '../system.js';

/** Why a task was not run: the queue is full, or it waited too long. */
export type BulkheadRefusal = 'full' | 'waited';

export interface BulkheadLimits {
  /** How many tasks may run at the same time. */
  readonly slots: number;
  /** How many tasks may wait for a slot. */
  readonly queueMax: number;
  /** How long a task may wait for a slot, in ms. */
  readonly waitMsMax: number;
}

export interface BulkheadDeps extends BulkheadLimits {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Makes the error of a task that was not run. */
  readonly refusal: (reason: BulkheadRefusal) => Error;
}

/** Present figures, and counts since the start. */
export interface BulkheadStatistics {
  readonly slots: number;
  readonly active: number;
  readonly queued: number;
  readonly queueMax: number;
  readonly run: number;
  readonly refused: number;
}

/** A concurrency limit, so that one kind of work leaves room for others. */
export interface Bulkhead {
  /**
   * Runs the task: at once if a slot is free, returning its result as it is; else in order of
   * arrival. The slot is released when the task ends. Throws the `refusal` if the queue is full,
   * and rejects with it if no slot became free in time: then the task never runs.
   */
  run<T>(task: () => T | Promise<T>): T | Promise<T>;
  statistics(): BulkheadStatistics;
}

interface Waiting {
  readonly since: number;
  readonly start: () => void;
  readonly reject: (error: Error) => void;
}

export function createBulkhead(deps: BulkheadDeps): Bulkhead {
  const { slots, queueMax, waitMsMax, clock, timers, refusal } = deps;
  assert(slots >= 1, 'a bulkhead that runs nothing');
  /** A set keeps the order of arrival, and removes any entry in constant time. */
  const queue = new Set<Waiting>();
  const counts = { run: 0, refused: 0 };
  let active = 0;
  let starting = false;
  let cancelSweep: (() => void) | undefined;

  function release(): void {
    active -= 1;
    if (queue.size === 0 || starting) return;
    // A task started here may end at once, and release its slot from within this loop.
    starting = true;
    for (const waiting of queue) {
      if (active >= slots) break;
      queue.delete(waiting);
      waiting.start();
    }
    starting = false;
    if (queue.size > 0) return;
    cancelSweep?.();
    cancelSweep = undefined;
  }

  function runNow<T>(task: () => T | Promise<T>): T | Promise<T> {
    active += 1;
    counts.run += 1;
    let result: T | Promise<T>;
    try {
      result = task();
    } catch (error) {
      release();
      throw error;
    }
    if (!(result instanceof Promise)) {
      release();
      return result;
    }
    return result.finally(release);
  }

  function refuse(reason: BulkheadRefusal): Error {
    counts.refused += 1;
    return refusal(reason);
  }

  /** The head of the queue has waited longest, so one timer is enough for all. */
  function sweep(): void {
    cancelSweep = undefined;
    for (const waiting of queue) {
      const leftMs = waiting.since + waitMsMax - clock.monotonicMs();
      if (leftMs > 0) {
        cancelSweep = timers.after(leftMs, sweep);
        return;
      }
      queue.delete(waiting);
      waiting.reject(refuse('waited'));
    }
  }

  function runLater<T>(task: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      // Async, so that a throw becomes a rejection.
      const start = (): void => resolve((async () => await runNow(task))());
      queue.add({ since: clock.monotonicMs(), start, reject });
      cancelSweep ??= timers.after(waitMsMax, sweep);
    });
  }

  return {
    run(task) {
      if (active < slots) return runNow(task);
      if (queue.size >= queueMax) throw refuse('full');
      return runLater(task);
    },
    statistics: () => ({ slots, active, queued: queue.size, queueMax, ...counts }),
  };
}
