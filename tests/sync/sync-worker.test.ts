import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AggregateRepository } from '../../src/application/central-aggregate.js';
import { createMemoryAggregateRepository } from '../../src/storage/memory/memory-aggregate-repository.js';
import type { Sync } from '../../src/sync/create-sync.js';
import { createSystem } from '../../src/system.js';
import { type FakeClock, createFakeClock } from '../support/fake-clock.js';
import { type FakeTimers, createFakeTimers } from '../support/fake-timers.js';
import { createTestSync } from '../support/own-sync.js';
import { type ScriptedSource, createScriptedSource } from '../support/scripted-source.js';

const INTERVAL_MS = 15_000;

describe('the sync worker', () => {
  let clock: FakeClock;
  let timers: FakeTimers;
  let aggregate: AggregateRepository;
  let a: ScriptedSource;
  let b: ScriptedSource;
  let sync: Sync;
  let errors: string[];

  beforeEach(() => {
    clock = createFakeClock();
    timers = createFakeTimers(clock);
    aggregate = createMemoryAggregateRepository();
    a = createScriptedSource('a', () => clock.wallMs());
    b = createScriptedSource('b', () => clock.wallMs());
    errors = [];
    sync = start(3);
  });

  function start(retryTimes: number): Sync {
    // Half of each wait is random: none of it here.
    const system = { ...createSystem(), clock, timers, random: { next: () => 1 } };
    return createTestSync({
      sources: [a, b],
      aggregate,
      system,
      retryTimes,
      now: () => clock.wallMs(),
      onError: (source, error) => void errors.push(`${source} ${String(error)}`),
    });
  }

  function onHand(source: string): number | undefined {
    return aggregate.record(source, { storeId: 'S1', sku: 'A' })?.onHand;
  }

  /** Everything happens that needs no time. */
  async function untilItWaits(): Promise<void> {
    for (let turns = 0; turns < 100; turns += 1) await turn();
  }

  /** Lets time pass until it has settled. */
  async function whileTimePasses<T>(task: Promise<T>): Promise<T> {
    const state = { isOver: false };
    void task.finally(() => (state.isOver = true));
    for (;;) {
      await untilItWaits();
      if (state.isOver) break;
      await timers.pass(100);
    }
    return await task;
  }

  it('folds what there is once per interval, and nothing before it is started', async () => {
    a.add(1);
    await timers.pass(INTERVAL_MS);
    expect(a.reads).toEqual([]);

    sync.worker.start();
    await timers.pass(INTERVAL_MS);
    expect(onHand('a')).toBe(1);
    a.add(10);
    await timers.pass(INTERVAL_MS - 1);
    expect(onHand('a')).toBe(1);
    await timers.pass(1);
    expect(onHand('a')).toBe(11);
    await sync.worker.close(0);
    expect(timers.waiting).toBe(0);
  });

  it('reads a source once at a time, whoever asks', async () => {
    for (let count = 0; count < 3_000; count += 1) a.add(1);

    const runs = await Promise.all(Array.from({ length: 5 }, () => sync.worker.runNow()));

    expect(a.atOnce).toBe(1);
    expect(onHand('a')).toBe(3_000);
    for (const { applied, checkpoint } of runs) {
      expect({ applied, checkpoint }).toEqual({ applied: 3_000, checkpoint: 3_000 });
    }
  });

  it('goes on with the others while one source is down, and shows its age', async () => {
    a.add(1);
    await sync.worker.runNow();
    sync.worker.start();
    a.down = true;
    for (let count = 0; count < 4; count += 1) {
      b.add(1);
      await timers.pass(INTERVAL_MS);
    }

    expect(onHand('b')).toBe(4);
    const { sources, lastError } = sync.worker.status();
    expect(sources).toMatchObject([
      { name: 'a', state: 'failing', lastError: 'the source cannot be reached', sequence: 1 },
      { name: 'b', state: 'ok', lastError: undefined, sequence: 4 },
    ]);
    expect(sources[0]?.ageMs).toBe(4 * INTERVAL_MS);
    expect(sources[1]?.ageMs).toBeLessThan(INTERVAL_MS);
    expect(lastError).toBe('the source cannot be reached');
    const { asOf } = await sync.queries.sku('A', { minSequence: 0, waitMs: 0 });
    expect(asOf.sources[0]?.ageMs).toBe(4 * INTERVAL_MS);
    expect(asOf.at).toBe(asOf.sources[0]?.at);
    // Said once, not at every run.
    expect(errors).toHaveLength(1);
    await sync.worker.close(0);
  });

  it('asks a source again with backoff, then gives the run up', async () => {
    a.down = true;
    const { failures } = await whileTimePasses(sync.worker.runNow());

    expect(failures).toEqual([{ source: 'a', detail: 'the source cannot be reached' }]);
    const first = a.reads[0]?.atMs ?? 0;
    expect(a.reads.map(({ atMs }) => atMs - first)).toEqual([0, 1_000, 3_000, 7_000]);
  });

  it('leaves a source alone behind an open breaker, but for a probe that is asked for', async () => {
    sync = start(0);
    sync.worker.start();
    a.down = true;
    await timers.pass(3 * INTERVAL_MS);
    expect(sync.worker.status().sources[0]?.breaker).toBe('open');
    const readsBefore = a.reads.length;
    await timers.pass(INTERVAL_MS);
    expect(a.reads).toHaveLength(readsBefore);

    await sync.worker.runNow();
    expect(a.reads).toHaveLength(readsBefore + 1);
    expect(sync.worker.status().sources[0]?.breaker).toBe('open');
    a.down = false;
    a.add(5);
    expect(await sync.worker.runNow()).toMatchObject({ applied: 1, failures: [] });
    expect(sync.worker.status().sources[0]).toMatchObject({ breaker: 'closed', state: 'ok' });
    expect(errors.at(-1)).toBe('a undefined');
    await sync.worker.close(0);
  });

  it('looks at an event that cannot be folded again before it sets it aside', async () => {
    a.add(1);
    a.add(2, 'StockWeighed');
    a.add(3);
    const run = sync.worker.runNow();
    for (const ms of [1_000, 2_000, 3_000]) {
      await untilItWaits();
      await timers.pass(ms);
    }
    // What comes before it does not wait.
    expect(onHand('a')).toBe(1);
    expect(aggregate.letterCount()).toBe(0);

    expect(await whileTimePasses(run)).toMatchObject({
      applied: 2,
      deadLettered: 1,
      checkpoint: 3,
    });
    expect(onHand('a')).toBe(4);
    const [letter] = sync.desk.list({ after: undefined, limit: 1 });
    expect(letter).toMatchObject({ id: 'a-2', attempts: 4, reason: 'unknown-type' });
    expect((letter?.lastAttemptAt ?? 0) - (letter?.firstAttemptAt ?? 0)).toBe(7_000);
    const { shares } = await sync.queries.sku('A', { minSequence: 0, waitMs: 0 });
    expect(shares).toMatchObject([{ source: 'a', isDoubtful: true }]);
  });

  it('sets aside in one run what comes into view late', async () => {
    const types = new Map([
      [500, 'Weighed'],
      [1_200, 'Counted'],
    ]);
    for (let event = 1; event <= 1_500; event += 1) a.add(1, types.get(event));

    const run = await whileTimePasses(sync.worker.runNow());
    expect(run).toMatchObject({ deadLettered: 2, failures: [], checkpoint: 1_500 });
  });

  it('folds it after all where a later look can', async () => {
    a.add(1, 'StockWeighed');
    const run = sync.worker.runNow();
    await untilItWaits();
    await timers.pass(1_500);
    a.events = [{ ...a.events[0]!, type: 'StockAdjusted' }];

    expect(await whileTimePasses(run)).toMatchObject({ applied: 1, deadLettered: 0 });
  });

  it('waits once in a run for what no further look can change', async () => {
    for (let count = 0; count < 3_000; count += 1) a.add(1, 'StockWeighed');
    const startedAt = clock.monotonicMs();

    const run = await whileTimePasses(sync.worker.runNow());

    expect(clock.monotonicMs() - startedAt).toBeLessThan(8_000);
    expect(run).toMatchObject({ deadLettered: 3_000, checkpoint: 3_000 });
  });

  it('takes nothing of other data that answers under a known name', async () => {
    a.add(1);
    await sync.worker.runNow();
    a.nodeId = 'another';
    a.add(100);

    const { applied, failures } = await sync.worker.runNow();

    expect({ applied, failures }).toEqual({
      applied: 0,
      failures: [{ source: 'a', detail: 'node another answers, what was folded is of node-a' }],
    });
    expect(sync.worker.status().sources[0]).toMatchObject({ state: 'other-data', sequence: 1 });
    expect(onHand('a')).toBe(1);
  });

  it('takes nothing of a log that was set back', async () => {
    a.add(1);
    a.add(1);
    await sync.worker.runNow();
    a.events = [];
    a.add(7);

    await sync.worker.runNow();

    expect(sync.worker.status().sources[0]).toMatchObject({ state: 'other-data', sequence: 2 });
    expect(onHand('a')).toBe(2);
  });

  it('takes nothing of a log that was set back and has grown past where it was', async () => {
    a.add(1);
    a.add(1);
    await sync.worker.runNow();
    a.events = a.events.slice(0, 1);
    for (let count = 0; count < 3; count += 1) a.add(7);
    // A new worker knows it by what is stored.
    sync = start(3);

    const { failures } = await sync.worker.runNow();

    expect(failures).toEqual([
      { source: 'a', detail: 'its event 2 is not the one that was folded' },
    ]);
    expect(sync.worker.status().sources[0]).toMatchObject({ state: 'other-data', sequence: 2 });
    expect(onHand('a')).toBe(2);
  });

  it('tells how far one source is, whatever the others have', async () => {
    for (let events = 0; events < 10; events += 1) b.add(1);
    await sync.worker.runNow();
    a.add(1);
    const now = { minSequence: 1, waitMs: 0 };

    expect((await sync.queries.sku('A', now)).asOf.sequence).toBe(10);
    await expect(sync.queries.sku('A', { ...now, source: 'a' })).rejects.toThrow();
    await sync.worker.runNow();
    expect((await sync.queries.sku('A', { ...now, source: 'a' })).asOf.sequence).toBe(11);
  });

  it('takes the data of one node once, whatever names it has', async () => {
    a.add(5);
    b.nodeId = a.nodeId;
    b.add(5);

    const { failures } = await sync.worker.runNow();

    expect(failures).toEqual([{ source: 'b', detail: 'it answers with the data of source a' }]);
    expect(sync.worker.status().sources[1]).toMatchObject({ state: 'other-data', sequence: 0 });
    expect([onHand('a'), onHand('b')]).toEqual([5, undefined]);

    sync = start(3);
    expect((await sync.worker.runNow()).failures).toMatchObject([{ source: 'b' }]);
  });

  it('gives up on a source that sends the same again and again, and keeps what it has', async () => {
    a.add(1);
    a.add(2);
    const { read } = a;
    a.read = async (_after, limit, signal) => ({ ...(await read(0, limit, signal)), head: 5 });

    const { failures } = await whileTimePasses(sync.worker.runNow());

    expect(failures).toMatchObject([
      { source: 'a', detail: expect.stringContaining('none that is new') },
    ]);
    expect(sync.worker.status().sources[0]).toMatchObject({ state: 'failing', sequence: 2 });
    expect(onHand('a')).toBe(3);
  });

  it('skips what a source sends again', async () => {
    a.add(1);
    a.add(2);
    const { read } = a;
    a.read = async (after, limit, signal) => {
      const page = await read(Math.max(0, after - 1), limit, signal);
      return { ...page, items: [...page.items, ...page.items] };
    };

    expect(await sync.worker.runNow()).toMatchObject({ applied: 2, deadLettered: 0 });
    a.add(4);
    expect(await sync.worker.runNow()).toMatchObject({ applied: 1, deadLettered: 0 });
    expect(onHand('a')).toBe(7);
    expect(sync.worker.statistics().duplicatesSkipped).toBeGreaterThan(0);
  });

  it('stops when it is told, and runs a last time at the end', async () => {
    sync.worker.start();
    await sync.worker.stop();
    a.add(1);
    await timers.pass(2 * INTERVAL_MS);
    expect(a.reads).toEqual([]);

    sync.worker.start();
    await sync.worker.close(5_000);
    expect(onHand('a')).toBe(1);
    sync.worker.start();
    a.add(1);
    await timers.pass(2 * INTERVAL_MS);
    expect(onHand('a')).toBe(1);
  });

  it('starts no run of those that were asked for before a stop', async () => {
    a.add(1);
    sync.worker.start();
    sync.worker.nudge();
    await sync.worker.stop();
    await timers.pass(10);
    expect(a.reads).toEqual([]);
  });

  it('waits for no retry of a dead letter at the end', async () => {
    for (let event = 1; event <= 3_000; event += 1) a.add(1, event === 1 ? 'Weighed' : undefined);
    sync = start(0);
    sync.worker.start();
    await whileTimePasses(sync.worker.runNow());
    a.frozen = true;
    const retried = sync.desk.retry('a-1');
    retried.catch(() => undefined);
    await untilItWaits();
    const before = clock.monotonicMs();
    await whileTimePasses(sync.worker.close(1_000));
    expect(clock.monotonicMs() - before).toBeLessThanOrEqual(1_100);
    await expect(retried).rejects.toMatchObject({ code: 'aggregate-behind' });
  });

  it('does not wait longer than it may for a source that is frozen at the end', async () => {
    sync.worker.start();
    a.frozen = true;
    b.add(1);
    let closed = false;
    void sync.worker.close(2_000).then(() => (closed = true));
    await untilItWaits();
    await timers.pass(1_999);
    expect(closed).toBe(false);
    await timers.pass(1);

    expect(closed).toBe(true);
    expect(onHand('b')).toBe(1);
  });

  it('counts in plain numbers', async () => {
    a.add(1);
    b.add(1);
    await sync.worker.runNow();
    a.add(1);

    expect(sync.worker.statistics()).toMatchObject({
      running: false,
      runs: 1,
      failedRuns: 0,
      eventsFolded: 2,
      linesFolded: 2,
      lettersOpened: 0,
      lettersOpen: 0,
      records: 2,
      sources: [
        { name: 'a', sequence: 1, up: true },
        { name: 'b', sequence: 1, up: true },
      ],
    });
  });
});
