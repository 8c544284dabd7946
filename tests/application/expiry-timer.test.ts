import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { type ExpiryTimer, startExpiryTimer } from '../../src/application/expiry-timer.js';
import {
  type InventoryService,
  createInventoryService,
} from '../../src/application/inventory-service.js';
import { createRecordClock } from '../../src/application/record-clock.js';
import { createKeyedMutex } from '../../src/resilience/keyed-mutex.js';
import { START } from '../support/facts.js';
import { createFakeClock } from '../support/fake-clock.js';
import { type FakeTimers, createFakeTimers } from '../support/fake-timers.js';
import {
  type HeldBackRepository,
  createHeldBackRepository,
} from '../support/held-back-repository.js';

const A = { storeId: 'S1', sku: 'A' };

describe('the expiry timer', () => {
  let timers: FakeTimers;
  let repository: HeldBackRepository;
  let service: InventoryService;
  let errors: unknown[];

  beforeEach(async () => {
    const clock = createFakeClock();
    timers = createFakeTimers(clock);
    repository = createHeldBackRepository(createRecordClock(clock, () => undefined));
    service = createInventoryService({
      repository,
      mutex: createKeyedMutex(),
      idempotencyTtlMs: 60_000,
      idempotencyKeysMax: 1_000,
      reservationRetentionMs: 60_000,
    });
    errors = [];
    await done(service.execute({ type: 'CountStock', ...A, onHand: 5_000 }));
  });

  function start(): ExpiryTimer {
    const onError = (error: unknown) => void errors.push(error);
    return startExpiryTimer({ timers, inventory: repository, service, onError });
  }

  /** Waits for a write whose disk answers at once. */
  async function done<T>(write: Promise<T>): Promise<T> {
    await turn();
    repository.sync();
    return await write;
  }

  async function hold(reservationId: string, ttlMs: number): Promise<void> {
    const lines = [{ ...A, qty: 1 }];
    await done(service.execute({ type: 'ReserveStock', reservationId, lines, ttlMs }));
  }

  /** Time passes with a disk that answers every few milliseconds. */
  async function pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 5) {
      await timers.pass(5);
      repository.sync();
      for (let turns = 0; turns < 5; turns += 1) await turn();
    }
  }

  it('expires what nobody touches, on time', async () => {
    await hold('r1', 300);
    await hold('r2', 700);
    start();
    await pass(295);
    expect(await repository.reservation('r1')).toMatchObject({ status: 'active' });
    await pass(10);
    expect(await repository.reservation('r1')).toMatchObject({ status: 'expired' });
    expect(await repository.reservation('r2')).toMatchObject({ status: 'active' });
    await pass(400);
    expect(await repository.reservation('r2')).toMatchObject({ status: 'expired' });
    const [first] = await repository.eventsAfter(3, 1);
    expect(first?.at).toBe(START + 300);
  });

  it('finds what was reserved while it slept within a second', async () => {
    start();
    await pass(500);
    await hold('r1', 50);
    await pass(600);
    expect(await repository.reservation('r1')).toMatchObject({ status: 'expired' });
  });

  it('goes on at once where one slice leaves something due', async () => {
    for (let index = 0; index < 1_500; index += 1) await hold(`r${index}`, 100);
    start();
    await pass(130);
    expect(await repository.nextExpiry()).toBeUndefined();
  });

  it('reports what goes wrong, and tries again a second later', async () => {
    await hold('r1', 100);
    start();
    await timers.pass(100);
    repository.lose();
    await turn();
    expect(errors).toMatchObject([{ code: 'storage-unavailable' }]);
    await pass(990);
    expect(await repository.reservation('r1')).toMatchObject({ status: 'active' });
    await pass(20);
    expect(await repository.reservation('r1')).toMatchObject({ status: 'expired' });
    expect(errors).toHaveLength(1);
  });

  it('stops when what is under way has ended, and starts nothing after', async () => {
    await hold('r1', 100);
    const timer = start();
    await timers.pass(100);
    let stopped = false;
    const stopping = timer.stop().then(() => (stopped = true));
    for (let turns = 0; turns < 5; turns += 1) await turn();
    expect(stopped).toBe(false);
    repository.sync();
    await stopping;
    expect(timers.waiting).toBe(0);
    expect(await repository.reservation('r1')).toMatchObject({ status: 'expired' });
  });
});
