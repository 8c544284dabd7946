import { setImmediate as settled } from 'node:timers/promises';
import type { Clock, Timers } from '../../src/system.js';
import { START } from '../support/facts.js';
import type { SeededRandom } from '../support/seeded-random.js';

/**
 * Time and order from a seed: everything that waits is a task with its moment, one task runs after
 * the other, and of those that fall on the same moment the seed says which goes first.
 */
export interface SimulatedTime {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Somebody sets the wall clock: no time passes. */
  jump(ms: number): void;
  pause(ms: number): Promise<void>;
  /** Lets things happen until this has settled. Rejects when nothing is left that could. */
  until<T>(done: Promise<T>): Promise<T>;
  /** Forgets all that waits: whoever waited is dead. */
  forgetAll(): void;
}

interface Task {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export function createSimulatedTime(random: SeededRandom): SimulatedTime {
  let monotonicMs = 1_000;
  let wallAhead = START - monotonicMs;
  const waiting = new Set<Task>();

  function after(delayMs: number, run: () => void): () => void {
    const task = { at: monotonicMs + Math.max(0, delayMs), order: random.next(), run };
    waiting.add(task);
    return () => void waiting.delete(task);
  }

  function takeNext(): Task | undefined {
    let next: Task | undefined;
    for (const task of waiting) if (next === undefined || isBefore(task, next)) next = task;
    if (next !== undefined) waiting.delete(next);
    return next;
  }

  return {
    clock: { wallMs: () => monotonicMs + wallAhead, monotonicMs: () => monotonicMs },
    timers: { after, immediate: (task) => void after(0, task) },
    jump(ms) {
      wallAhead += ms;
    },
    pause: (ms) => new Promise((resolve) => void after(ms, resolve)),
    async until(done) {
      const state: { over: boolean } = { over: false };
      const end = () => void (state.over = true);
      done.then(end, end);
      for (;;) {
        // All that follows from the last task by promises alone has happened after this.
        await settled();
        if (state.over) return await done;
        const next = takeNext();
        if (next === undefined) throw new Error('all wait, and nothing is left to happen');
        monotonicMs = Math.max(monotonicMs, next.at);
        next.run();
      }
    },
    forgetAll: () => waiting.clear(),
  };
}

function isBefore(a: Task, b: Task): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
