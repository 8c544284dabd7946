import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createBulkhead } from '../../src/resilience/bulkhead.js';
import { createFakeClock } from '../support/fake-clock.js';
import { createFakeTimers } from '../support/fake-timers.js';

const WAIT_MS_MAX = 1_000;

function setUp({ slots = 2, queueMax = 3 } = {}) {
  const clock = createFakeClock();
  const timers = createFakeTimers(clock);
  const bulkhead = createBulkhead({
    slots,
    queueMax,
    waitMsMax: WAIT_MS_MAX,
    clock,
    timers,
    refusal: (reason) => new Error(reason),
  });
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  /** Runs a task that goes on until `end`. */
  function begin(name: string): Promise<string> {
    const result = (async () =>
      await bulkhead.run(() => {
        started.push(name);
        return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
      }))();
    return result.catch((error: unknown) => (error as Error).message);
  }
  async function end(name: string): Promise<void> {
    ends.get(name)?.();
    await turn();
  }
  return { bulkhead, clock, timers, started, begin, end };
}

describe('a bulkhead', () => {
  it('runs what is no promise in the same step, and hands its result through', () => {
    const { bulkhead } = setUp();
    expect(bulkhead.run(() => 'done')).toBe('done');
    expect(() =>
      bulkhead.run(() => {
        throw new Error('the task failed');
      }),
    ).toThrow('the task failed');
    expect(bulkhead.statistics()).toMatchObject({ active: 0, run: 2, refused: 0 });
  });

  it('runs as many tasks as it has slots, and the next ones in order as they end', async () => {
    const { begin, end, started, bulkhead } = setUp();
    const tasks = ['a', 'b', 'c', 'd'].map(begin);
    expect(started).toEqual(['a', 'b']);
    expect(bulkhead.statistics()).toMatchObject({ slots: 2, active: 2, queued: 2, queueMax: 3 });
    await end('b');
    expect(started).toEqual(['a', 'b', 'c']);
    await end('a');
    expect(started).toEqual(['a', 'b', 'c', 'd']);
    await end('c');
    await end('d');
    expect(await Promise.all(tasks)).toEqual(['a', 'b', 'c', 'd']);
    expect(bulkhead.statistics()).toMatchObject({ active: 0, queued: 0, run: 4 });
  });

  it('refuses at once what finds the queue full, and never runs it', async () => {
    const { begin, end, started, bulkhead } = setUp({ queueMax: 1 });
    const tasks = ['a', 'b', 'c', 'd'].map(begin);
    expect(await tasks[3]).toBe('full');
    for (const name of ['a', 'b', 'c']) await end(name);
    expect(await Promise.all(tasks)).toEqual(['a', 'b', 'c', 'full']);
    expect(started).toEqual(['a', 'b', 'c']);
    expect(bulkhead.statistics()).toMatchObject({ run: 3, refused: 1 });
  });

  it('refuses who has waited too long, each at its time, and never runs them', async () => {
    const { begin, end, started, timers, bulkhead } = setUp({ slots: 1 });
    const held = begin('held');
    const first = begin('first');
    await timers.pass(WAIT_MS_MAX / 2);
    const second = begin('second');
    await timers.pass(WAIT_MS_MAX / 2);
    expect(await first).toBe('waited');
    expect(bulkhead.statistics()).toMatchObject({ active: 1, queued: 1 });
    await timers.pass(WAIT_MS_MAX / 2);
    expect(await second).toBe('waited');
    await end('held');
    expect(await held).toBe('held');
    expect(started).toEqual(['held']);
    expect(timers.waiting).toBe(0);
  });

  it('frees the slot of a task that throws or rejects', async () => {
    const { bulkhead, begin, end, started } = setUp({ slots: 1 });
    const rejected = bulkhead.run(() => Promise.reject(new Error('the task failed')));
    const next = begin('next');
    await expect(rejected).rejects.toThrow('the task failed');
    await turn();
    expect(started).toEqual(['next']);
    await end('next');
    expect(await next).toBe('next');
  });

  it('rejects for a queued task that throws', async () => {
    const { bulkhead, begin, end } = setUp({ slots: 1 });
    void begin('held');
    const queued = bulkhead.run(() => {
      throw new Error('the task failed');
    });
    await Promise.all([expect(queued).rejects.toThrow('the task failed'), end('held')]);
    expect(bulkhead.statistics()).toMatchObject({ active: 0, queued: 0 });
  });

  it('runs a long queue of tasks that end at once, without one standing on the other', async () => {
    const { bulkhead, begin, end } = setUp({ slots: 1, queueMax: 100_000 });
    void begin('held');
    const queued = Array.from(
      { length: 100_000 },
      async (_, index) => await bulkhead.run(() => index),
    );
    await end('held');
    expect((await Promise.all(queued)).at(-1)).toBe(99_999);
  });

  it('keeps no timer while nobody waits', async () => {
    const { begin, end, timers } = setUp({ slots: 1 });
    void begin('a');
    void begin('b');
    expect(timers.waiting).toBe(1);
    await end('a');
    expect(timers.waiting).toBe(0);
    await end('b');
  });
});
