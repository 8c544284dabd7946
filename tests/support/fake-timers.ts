import { setImmediate as turn } from 'node:timers/promises';
import type { Timers } from '../../src/system.js';
import type { FakeClock } from './fake-clock.js';

export interface FakeTimers extends Timers {
  /** Lets time pass; what falls due meanwhile runs at its time, and all that follows from it. */
  pass(ms: number): Promise<void>;
  /** How many tasks wait for their time. */
  readonly waiting: number;
}

/** Timers in the time of a clock that stands until it is moved. */
export function createFakeTimers(clock: FakeClock): FakeTimers {
  const tasks = new Set<{ readonly at: number; readonly run: () => void }>();

  return {
    immediate: (task) => void setImmediate(task),
    after(delayMs, run) {
      const task = { at: clock.monotonicMs() + delayMs, run };
      tasks.add(task);
      return () => void tasks.delete(task);
    },
    async pass(ms) {
      const end = clock.monotonicMs() + ms;
      for (;;) {
        const [next] = [...tasks].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        clock.advance(Math.max(0, (next?.at ?? end) - clock.monotonicMs()));
        if (next === undefined) return;
        tasks.delete(next);
        next.run();
        for (let turns = 0; turns < 5; turns += 1) await turn();
      }
    },
    get waiting() {
      return tasks.size;
    },
  };
}
