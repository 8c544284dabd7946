import { describe, expect, it } from 'vitest';
import { type Ended, createSupervisor } from '../../src/cluster/supervisor.js';
import type { WorkerEvents } from '../../src/cluster/worker-processes.js';

interface FakeWorker extends WorkerEvents {
  readonly id: number;
  readonly signals: string[];
}

/** A supervisor of workers that do what the test says, in a time that it moves. */
function supervised(count: number) {
  const workers: FakeWorker[] = [];
  const ended: (Ended & { readonly restartAfterMs: number | undefined })[] = [];
  const tasks = new Set<{ readonly atMs: number; readonly run: () => void }>();
  let nowMs = 0;
  let code: number | undefined;
  const supervisor = createSupervisor({
    count,
    graceMs: 1_000,
    clock: { monotonicMs: () => nowMs, wallMs: () => nowMs },
    timers: {
      immediate: (task) => task(),
      after(delayMs, run) {
        const task = { atMs: nowMs + delayMs, run };
        tasks.add(task);
        return () => void tasks.delete(task);
      },
    },
    startWorker(events) {
      const worker = { ...events, id: workers.length + 1, signals: [] as string[] };
      workers.push(worker);
      const signal = (name: string): void => void worker.signals.push(name);
      return { id: worker.id, pid: 1_000 + worker.id, send: () => undefined, signal };
    },
    onMessage: () => undefined,
    onServing: () => undefined,
    onEnded: (end, restartAfterMs) => ended.push({ ...end, restartAfterMs }),
    onStopping: () => undefined,
  });
  void supervisor.over.then((with_) => (code = with_));
  const recovery = { records: 0, events: 0, durationMs: 0 };
  return {
    supervisor,
    workers,
    ended,
    serves: (id: number) =>
      workers[id - 1]!.onMessage({
        kind: 'ready',
        started: { version: '1.2.3', url: 'http://h:1', recovery },
      }),
    ends: (id: number, how: number | string) =>
      typeof how === 'number'
        ? workers[id - 1]!.onEnd(how, null)
        : workers[id - 1]!.onEnd(null, how),
    pass(ms: number) {
      nowMs += ms;
      for (const task of [...tasks]) if (task.atMs <= nowMs && tasks.delete(task)) task.run();
    },
    async endedWith() {
      await Promise.resolve();
      return code;
    },
  };
}

describe('the supervisor of workers', () => {
  it('starts the first one alone, and the others when it serves', () => {
    const { workers, serves, supervisor } = supervised(3);
    expect(workers).toHaveLength(1);
    serves(1);
    expect(workers).toHaveLength(3);
    expect(supervisor.serving.map(({ place }) => place)).toEqual([1]);
    serves(3);
    expect(supervisor.serving.map(({ place }) => place)).toEqual([1, 3]);
  });

  it('ends with the code of a first one that says why it cannot start', async () => {
    const { ends, endedWith, workers } = supervised(2);
    ends(1, 78);
    expect(await endedWith()).toBe(78);
    expect(workers).toHaveLength(1);
  });

  it('replaces one that was well at once, and waits longer for one that keeps dying', () => {
    const { serves, ends, pass, ended, workers } = supervised(2);
    serves(1);
    serves(2);
    pass(20_000);
    ends(2, 'SIGKILL');
    expect(ended.at(-1)).toMatchObject({ place: 2, restartAfterMs: 0 });
    for (const restartAfterMs of [100, 200, 400, 800]) {
      pass(restartAfterMs);
      ends(workers.length, 1);
      expect(ended.at(-1)).toMatchObject({ place: 2, restartAfterMs });
    }
    pass(799);
    expect(workers).toHaveLength(6);
    pass(1);
    expect(workers).toHaveLength(7);
  });

  it('gives up when none serves and six in a row could not start', async () => {
    const { serves, ends, pass, endedWith, workers } = supervised(1);
    serves(1);
    ends(1, 'SIGKILL');
    for (let failed = 1; failed <= 6; failed += 1) {
      expect(await endedWith()).toBeUndefined();
      pass(10_000);
      ends(workers.length, 9);
    }
    expect(await endedWith()).toBe(9);
  });

  it('does not give up while one serves', async () => {
    const { serves, ends, pass, endedWith, workers } = supervised(2);
    serves(1);
    for (let failed = 1; failed <= 20; failed += 1) {
      ends(workers.length, 1);
      pass(10_000);
    }
    expect(await endedWith()).toBeUndefined();
  });

  it('stops all where the storage of one has failed, and ends as that one did', async () => {
    const { serves, ends, endedWith, workers } = supervised(3);
    serves(1);
    serves(2);
    ends(2, 74);
    expect(workers.map(({ signals }) => signals)).toEqual([['SIGTERM'], [], ['SIGTERM']]);
    ends(1, 0);
    expect(await endedWith()).toBeUndefined();
    ends(3, 'SIGTERM');
    expect(await endedWith()).toBe(74);
    expect(workers).toHaveLength(3);
  });

  it('kills those that do not end in time, and says so with its code', async () => {
    const { serves, ends, pass, endedWith, workers, supervisor } = supervised(2);
    serves(1);
    serves(2);
    supervisor.stop();
    ends(1, 0);
    pass(15_999);
    expect(workers[1]!.signals).toEqual(['SIGTERM']);
    pass(1);
    expect(workers[1]!.signals).toEqual(['SIGTERM', 'SIGKILL']);
    ends(2, 'SIGKILL');
    expect(await endedWith()).toBe(1);
  });

  it('starts nobody any more once it stops', async () => {
    const { serves, ends, pass, endedWith, workers, supervisor } = supervised(2);
    serves(1);
    ends(2, 1);
    supervisor.stop();
    pass(10_000);
    expect(workers).toHaveLength(2);
    ends(1, 0);
    expect(await endedWith()).toBe(0);
  });
});
