import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type FailedAttempt, createRetry } from '../../src/resilience/retry.js';
import { createFakeClock } from '../support/fake-clock.js';
import { createFakeTimers } from '../support/fake-timers.js';

/** A task that fails so many times before it succeeds, and notes when it was tried. */
function setUp(options: { failures: number; times?: number; random?: number }) {
  const clock = createFakeClock();
  const timers = createFakeTimers(clock);
  const startedAt = clock.monotonicMs();
  const triedAt: number[] = [];
  const retry = createRetry(
    { baseMs: 1_000, times: options.times ?? 3 },
    { timers, random: { next: () => options.random ?? 0 } },
  );
  const task = (): Promise<string> => {
    triedAt.push(clock.monotonicMs() - startedAt);
    if (triedAt.length > options.failures) return Promise.resolve('done');
    return Promise.reject(new Error(`failure ${triedAt.length}`));
  };
  /** Lets time pass, once the attempt that is under way has failed. */
  const pass = async (ms: number): Promise<void> => {
    await turn();
    await timers.pass(ms);
  };
  return { pass, timers, retry, task, triedAt };
}

/** The result, or the error's message, of something that may reject while time passes. */
function outcome(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: unknown) => (error as Error).message);
}

describe('a retry', () => {
  it('does what succeeds once', async () => {
    const { retry, task, triedAt, timers } = setUp({ failures: 0 });
    expect(await retry(task)).toBe('done');
    expect(triedAt).toEqual([0]);
    expect(timers.waiting).toBe(0);
  });

  it('waits twice as long after each failure', async () => {
    const { retry, task, triedAt, pass } = setUp({ failures: 3, random: 1 });
    const result = retry(task);
    await pass(60_000);
    expect(await result).toBe('done');
    expect(triedAt).toEqual([0, 1_000, 3_000, 7_000]);
  });

  it('takes up to half of each wait off, at random', async () => {
    const { retry, task, triedAt, pass } = setUp({ failures: 3, random: 0 });
    const result = retry(task);
    await pass(60_000);
    expect(await result).toBe('done');
    expect(triedAt).toEqual([0, 500, 1_500, 3_500]);
  });

  it('never waits longer than a minute', async () => {
    const { retry, task, triedAt, pass } = setUp({ failures: 12, times: 12, random: 1 });
    const result = retry(task);
    await pass(3_600_000);
    expect(await result).toBe('done');
    expect(triedAt[12]! - triedAt[11]!).toBe(60_000);
  });

  it('gives up with the last error after so many retries', async () => {
    const { retry, task, triedAt, pass } = setUp({ failures: 9, times: 2 });
    const result = outcome(retry(task));
    await pass(60_000);
    expect(await result).toBe('failure 3');
    expect(triedAt).toHaveLength(3);
  });

  it('does not repeat what a repetition cannot mend', async () => {
    const { retry, task, triedAt } = setUp({ failures: 9 });
    expect(await outcome(retry(task, { retryable: () => false }))).toBe('failure 1');
    expect(triedAt).toHaveLength(1);
  });

  it('tells of every failure that it will try to mend', async () => {
    const { retry, task, pass } = setUp({ failures: 2 });
    const failed: FailedAttempt[] = [];
    const result = retry(task, { onRetry: (each) => failed.push(each) });
    await pass(60_000);
    await result;
    expect(failed.map(({ attempt, delayMs }) => [attempt, delayMs])).toEqual([
      [1, 500],
      [2, 1_000],
    ]);
  });

  it('ends with the last error when it is called off while it waits, at once', async () => {
    const { retry, task, triedAt, timers, pass } = setUp({ failures: 9 });
    const calledOff = new AbortController();
    const result = outcome(retry(task, { signal: calledOff.signal }));
    await pass(100);
    calledOff.abort();
    expect(await result).toBe('failure 1');
    expect(triedAt).toHaveLength(1);
    expect(timers.waiting).toBe(0);
  });
});
