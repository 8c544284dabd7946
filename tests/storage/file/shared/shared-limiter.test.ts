import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSharedLimiter } from '../../../../src/storage/file/shared/shared-limiter.js';
import { temporaryDirectory } from '../../../support/temporary-directory.js';

const LIMIT = { perSecond: 10, burst: 20 };

/** Of whole tokens that are no whole milliseconds. */
const UNEVEN = { perSecond: 7, burst: 14 };

function limiters(path = `${temporaryDirectory()}/limits`) {
  const warnings: string[] = [];
  /** `machineOffsetMs`: how much longer the machine runs than the clock of this process. */
  function open(machineOffsetMs = 0, limit = LIMIT) {
    const onWarning = (message: string): void => void warnings.push(message);
    const limiter = openSharedLimiter({ path, limit, machineOffsetMs, onWarning });
    onTestFinished(() => limiter.close());
    return limiter;
  }
  return { path, open, warnings };
}

describe('the limiter of several processes', () => {
  it('has one bucket for each client, whichever process is asked', () => {
    const { open } = limiters();
    const [one, other] = [open(), open(7_000)];
    for (let left = 19; left >= 0; left -= 1) {
      // Each process has its own clock; that of the machine is the same.
      const quota = left % 2 === 0 ? one.take('a', 9_000) : other.take('a', 2_000);
      expect(quota).toMatchObject({ allowed: true, remaining: left });
    }
    expect(one.take('a', 9_000)).toMatchObject({ allowed: false, retryAfterMs: 100 });
    expect(other.take('a', 2_000)).toMatchObject({ allowed: false, retryAfterMs: 100 });
    expect(other.take('b', 2_000)).toMatchObject({ allowed: true, remaining: 19 });
    expect(other.take('a', 2_100)).toMatchObject({ allowed: true, remaining: 0 });
    expect(one.statistics()).toEqual({ clients: 2, allowed: 10, limited: 1 });
    expect(other.statistics()).toEqual({ clients: 2, allowed: 12, limited: 1 });
  });

  it('outlives its processes, and takes nothing over from before the start of the machine', () => {
    const { open } = limiters();
    const before = open();
    for (let taken = 0; taken < 20; taken += 1) before.take('a', 1e9);
    before.close();
    expect(open().take('a', 1e9).allowed).toBe(false);
    expect(open().take('a', 5)).toMatchObject({ allowed: true, remaining: 19 });
  });

  it('takes a bucket that is as empty as it can be for no older one', () => {
    const limiter = limiters().open(0, UNEVEN);
    const asked = Array.from({ length: 5 * UNEVEN.burst }, () => limiter.take('a', 98_765.4321));
    expect(asked.filter(({ allowed }) => allowed)).toHaveLength(UNEVEN.burst);

    // Two processes whose clocks are some microseconds apart.
    const { open } = limiters();
    const both = [open(), open(-0.03)];
    const others = Array.from({ length: 200 }, (_, turn) => both[turn % 2]!.take('a', 5_000.123));
    expect(others.filter(({ allowed }) => allowed)).toHaveLength(LIMIT.burst);
  });

  it('forgets of many clients those whose buckets are full first', () => {
    const { open } = limiters();
    const limiter = open();
    for (let taken = 0; taken < 20; taken += 1) limiter.take('greedy', 0);
    for (let stranger = 0; stranger < 20_000; stranger += 1) limiter.take(`s${stranger}`, 0);
    expect(limiter.take('greedy', 0).allowed).toBe(false);
    expect(limiter.statistics().clients).toBeGreaterThan(19_000);
  });

  it('limits each process by itself where its file cannot be used, and says so', () => {
    const { path, open, warnings } = limiters('/nowhere/limits');
    const limiter = open();
    const passed = Array.from({ length: 25 }, () => limiter.take('a', 0).allowed);
    expect(passed.filter(Boolean)).toHaveLength(20);
    expect(limiter.statistics()).toEqual({ clients: 1, allowed: 20, limited: 5 });
    expect(warnings).toEqual([expect.stringContaining(path)]);
  });

  it('makes its file as long as it will be, for the user of the service alone', () => {
    const { path, open } = limiters();
    open();
    expect(readFileSync(path)).toHaveLength(1024 * 1024);
    writeFileSync(path, 'cut short');
    chmodSync(path, 0o600);
    expect(open().take('a', 0)).toMatchObject({ allowed: true });
    expect(readFileSync(path)).toHaveLength(1024 * 1024);
  });
});
