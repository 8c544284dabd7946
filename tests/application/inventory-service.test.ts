import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { createInventoryQueries } from '../../src/application/inventory-queries.js';
import {
  type InventoryService,
  type KeyedRequest,
  type Outcome,
  createInventoryService,
} from '../../src/application/inventory-service.js';
import type { InventoryRepository } from '../../src/application/ports.js';
import { createRecordClock } from '../../src/application/record-clock.js';
import type { Command } from '../../src/domain/commands.js';
import { type StockKey, stockKey } from '../../src/domain/keys.js';
import { type KeyedMutex, createKeyedMutex } from '../../src/resilience/keyed-mutex.js';
import { createMemoryInventoryRepository } from '../../src/storage/memory/memory-inventory-repository.js';
import { START } from '../support/facts.js';
import { type FakeClock, createFakeClock } from '../support/fake-clock.js';
import {
  type HeldBackRepository,
  createHeldBackRepository,
} from '../support/held-back-repository.js';

const A = { storeId: 'S1', sku: 'A' };
const KEY_TTL_MS = 1_000;

let clock: FakeClock;
let mutex: KeyedMutex;

beforeEach(() => {
  clock = createFakeClock();
  mutex = createKeyedMutex();
});

function recordClock() {
  return createRecordClock(clock, () => undefined);
}

function serviceOf(repository: InventoryRepository, idempotencyKeysMax = 1_000): InventoryService {
  return createInventoryService({
    repository,
    mutex,
    idempotencyTtlMs: KEY_TTL_MS,
    idempotencyKeysMax,
    reservationRetentionMs: 60_000,
  });
}

function adjust(delta: number, name = A): Command {
  return { type: 'AdjustStock', ...name, delta };
}

function reserve(reservationId: string, qty: number, ttlMs?: number): Command {
  const lines = [{ ...A, qty }];
  return { type: 'ReserveStock', reservationId, lines, ...(ttlMs !== undefined && { ttlMs }) };
}

function keyed(key: string, fingerprint = 'f'): KeyedRequest {
  return { key, fingerprint, requestId: `request-of-${key}`, instance: '/api/x' };
}

function sequenceOf(outcome: Outcome): number | undefined {
  return outcome.kind === 'event' ? outcome.event.sequence : undefined;
}

describe('while the disk has not answered', () => {
  let repository: HeldBackRepository;
  let service: InventoryService;
  let answers: string[];

  beforeEach(() => {
    repository = createHeldBackRepository(recordClock());
    service = serviceOf(repository);
    answers = [];
  });

  /** Sends a command, and notes when and how it is answered. */
  function send(name: string, command: Command, request?: KeyedRequest): Promise<void> {
    return service.execute(command, request).then(
      (outcome) => {
        const replayed = outcome.kind === 'event' && outcome.replayed ? ' replayed' : '';
        answers.push(`${name} ${sequenceOf(outcome) ?? 'refused'}${replayed}`);
      },
      (error: unknown) =>
        void answers.push(`${name} ${error instanceof Error ? error.message : ''}`),
    );
  }

  /** Long enough for everything to be answered that needs no disk. */
  async function aMoment(): Promise<void> {
    for (let turns = 0; turns < 5; turns += 1) await turn();
  }

  it('nobody is answered, and readers see what was before', async () => {
    const all = Promise.all([send('first', adjust(5)), send('second', reserve('r1', 2))]);
    await aMoment();
    expect(answers).toEqual([]);
    expect(await repository.record(stockKey(A))).toBeUndefined();
    expect(await createInventoryQueries(repository, service).record(A)).toBeUndefined();
    repository.sync();
    await all;
    expect(answers.sort()).toEqual(['first 1', 'second 2']);
    expect(await repository.record(stockKey(A))).toMatchObject({ onHand: 5, reserved: 2 });
  });

  it('the next writer of a record is already decided on', async () => {
    const all = Promise.all([send('first', adjust(5)), send('second', adjust(-5))]);
    await aMoment();
    expect(mutex.size).toBe(0);
    repository.sync();
    await all;
    expect(await repository.record(stockKey(A))).toMatchObject({ onHand: 0, version: 2 });
  });

  it('a refusal waits for what it was decided on', async () => {
    const all = Promise.all([send('first', adjust(5)), send('refused', adjust(-6))]);
    await aMoment();
    expect(answers).toEqual([]);
    repository.sync();
    await all;
    expect(answers).toContain('refused refused');
  });

  it('a replay waits for the answer that it repeats', async () => {
    const all = Promise.all([
      send('first', adjust(5), keyed('k')),
      send('again', adjust(5), keyed('k')),
    ]);
    await aMoment();
    expect(answers).toEqual([]);
    repository.sync();
    await all;
    expect(answers.sort()).toEqual(['again 1 replayed', 'first 1']);
  });

  it('a key that is reused waits for the request that used it', async () => {
    const all = Promise.all([
      send('first', adjust(5), keyed('k')),
      send('other', adjust(6), keyed('k', 'g')),
    ]);
    await aMoment();
    expect(answers).toEqual([]);
    repository.sync();
    await all;
    expect(answers).toContain('first 1');
    expect(repository.durableSequence()).toBe(1);
  });

  it('a lost write has not happened, to nobody: the same key executes anew', async () => {
    const all = Promise.all([
      send('first', adjust(5), keyed('k')),
      send('again', adjust(5), keyed('k')),
      send('on it', adjust(-5)),
      send('refused', adjust(-6)),
    ]);
    await aMoment();
    repository.lose();
    await all;
    expect(answers.sort()).toEqual([
      'again storage-unavailable',
      'first storage-unavailable',
      'on it storage-unavailable',
      'refused storage-unavailable',
    ]);

    answers.length = 0;
    const retry = send('retry', adjust(5), keyed('k'));
    await aMoment();
    repository.sync();
    await retry;
    expect(answers).toEqual(['retry 1']);
    expect(await repository.record(stockKey(A))).toMatchObject({ onHand: 5, version: 1 });
  });

  it('a read settles what is due, and waits for that', async () => {
    const queries = createInventoryQueries(repository, service);
    const all = Promise.all([send('first', adjust(5)), send('second', reserve('r1', 2, 100))]);
    await aMoment();
    repository.sync();
    await all;
    clock.advance(100);

    const reads = Promise.all([queries.record(A), queries.reservation('r1')]);
    await aMoment();
    repository.sync();
    const [record, reservation] = await reads;
    expect(record).toMatchObject({ onHand: 5, reserved: 0, version: 3 });
    expect(reservation).toMatchObject({ status: 'expired' });
    expect(repository.durableSequence()).toBe(3);
  });
});

describe('at the limit of idempotency keys', () => {
  it('turns new keys away, not replays nor requests without one, until keys are free', async () => {
    const repository = createMemoryInventoryRepository(recordClock());
    const service = serviceOf(repository, 10);
    for (let index = 0; index < 10; index += 1)
      await service.execute(adjust(1), keyed(`k${index}`));

    await expect(service.execute(adjust(1), keyed('new'))).rejects.toMatchObject({
      name: 'UnavailableError',
      code: 'overloaded',
    });
    expect(await service.execute(adjust(1), keyed('k3'))).toMatchObject({ replayed: true });
    expect(sequenceOf(await service.execute(adjust(1)))).toBe(11);

    clock.advance(KEY_TTL_MS);
    for (let index = 0; index < 10; index += 1) {
      expect(await service.execute(adjust(1), keyed(`n${index}`))).toMatchObject({
        replayed: false,
      });
    }
    await expect(service.execute(adjust(1), keyed('more'))).rejects.toThrow('overloaded');
  });

  it('recovers by time alone, though nothing but refused requests comes', async () => {
    const repository = createMemoryInventoryRepository(recordClock());
    const service = serviceOf(repository, 3);
    for (let index = 0; index < 3; index += 1) await service.execute(adjust(1), keyed(`k${index}`));
    await expect(service.execute(adjust(1), keyed('new'))).rejects.toThrow('overloaded');
    clock.advance(KEY_TTL_MS - 1);
    await expect(service.execute(adjust(1), keyed('new'))).rejects.toThrow('overloaded');
    clock.advance(1);
    expect(await service.execute(adjust(1), keyed('new'))).toMatchObject({ replayed: false });
  });
});

describe('when thousands of holds are due at once', () => {
  let repository: InventoryRepository;
  let service: InventoryService;

  beforeEach(async () => {
    repository = createMemoryInventoryRepository(recordClock());
    service = serviceOf(repository);
    await service.execute({ type: 'CountStock', ...A, onHand: 2_500 });
    for (let index = 0; index < 2_500; index += 1) {
      await service.execute(reserve(`r${index}`, 1, 100));
    }
    clock.advance(100);
  });

  async function expiries(): Promise<number[]> {
    const events = await repository.eventsAfter(2_501, 100);
    return events
      .filter(({ type }) => type === 'ReservationExpired')
      .map(({ reservations }) => reservations.length);
  }

  it('a command settles them in bounded steps, and is decided when all are settled', async () => {
    const outcome = await service.execute(reserve('new', 2_500));
    expect(outcome).toMatchObject({ kind: 'event', event: { type: 'StockReserved' } });
    expect(await expiries()).toEqual([1_000, 1_000, 500]);
  });

  it('a read settles them in bounded steps, too', async () => {
    const record = await createInventoryQueries(repository, service).record(A);
    expect(record).toMatchObject({ onHand: 2_500, reserved: 0 });
    expect(await expiries()).toEqual([1_000, 1_000, 500]);
  });

  it('the timer settles them a slice at a time, and is told when more are left', async () => {
    expect(await service.settleDue()).toBe(true);
    expect(await service.settleDue()).toBe(true);
    expect(await service.settleDue()).toBe(false);
    expect(await service.settleDue()).toBe(false);
    expect(await expiries()).toEqual([1_000, 1_000, 500]);
    expect(await repository.nextExpiry()).toBeUndefined();
  });
});

describe('settling large orders that are due', () => {
  it('takes whole orders until about a thousand lines are settled', async () => {
    const repository = createMemoryInventoryRepository(recordClock());
    const service = serviceOf(repository);
    const names = Array.from({ length: 600 }, (_, index) => ({ storeId: 'S1', sku: `K${index}` }));
    const operations = names.map((name) => ({ type: 'AdjustStock' as const, ...name, delta: 9 }));
    await service.execute({ type: 'BatchStock', operations });
    for (let index = 0; index < 5; index += 1) {
      const lines = names.map((name) => ({ ...name, qty: 1 }));
      const reservationId = `r${index}`;
      await service.execute({ type: 'ReserveStock', reservationId, lines, ttlMs: 100 + index });
    }
    clock.advance(1_000);

    const more = [await service.settleDue(), await service.settleDue(), await service.settleDue()];
    expect(more).toEqual([true, true, false]);
    const events = await repository.eventsAfter(6, 100);
    expect(events.map(({ reservations }) => reservations.length)).toEqual([2, 2, 1]);
    expect(await repository.record('S1/K599' as StockKey)).toMatchObject({ reserved: 0 });
    expect(repository.now()).toBe(START + 1_000);
  });
});
