import { describe, expect, it } from 'vitest';
import { createInventoryQueries } from '../../src/application/inventory-queries.js';
import { createInventoryService } from '../../src/application/inventory-service.js';
import { createRecordClock } from '../../src/application/record-clock.js';
import { createRecordHistory } from '../../src/application/record-history.js';
import { stockKey } from '../../src/domain/keys.js';
import { createKeyedMutex } from '../../src/resilience/keyed-mutex.js';
import { createHeldBackRepository } from '../support/held-back-repository.js';
import { createMemoryInventoryRepository } from '../../src/storage/memory/memory-inventory-repository.js';

const RECORD = { storeId: 'S1', sku: 'HOT' };
const START = Date.parse('2026-01-01T00:00:00.000Z');

function createInventory() {
  let now = START;
  let reservations = 0;
  const clock = { wallMs: () => now, monotonicMs: () => now };
  const repository = createMemoryInventoryRepository(createRecordClock(clock, () => undefined));
  const service = createInventoryService({
    repository,
    mutex: createKeyedMutex(),
    idempotencyTtlMs: 1_000,
    idempotencyKeysMax: 1_000,
    reservationRetentionMs: 1_000,
  });
  return {
    repository,
    service,
    queries: createInventoryQueries(repository, service),
    advance: (ms: number) => (now += ms),
    now: () => now,
    adjust: (delta: number, sku = RECORD.sku) =>
      service.execute({ type: 'AdjustStock', ...RECORD, sku, delta }),
    reserve: (qty: number, ttlMs?: number) =>
      service.execute({
        type: 'ReserveStock',
        reservationId: `r${(reservations += 1)}`,
        lines: [{ ...RECORD, qty }],
        ...(ttlMs !== undefined && { ttlMs }),
      }),
  };
}

describe('a read where nothing can be written', () => {
  it('shows what is durable, a due hold that cannot be settled included', async () => {
    const { queries, adjust, reserve, advance, repository } = createInventory();
    await adjust(10);
    await reserve(3, 100);
    advance(200);
    await repository.close();

    expect(await queries.record(RECORD)).toMatchObject({ onHand: 10, reserved: 3, version: 2 });
  });
});

describe('a record as it was', () => {
  it('is, at every sequence and time, what a read answered then', async () => {
    const { queries, adjust, reserve, advance, now, repository } = createInventory();
    const remembered: { sequence: number; time: number; record: unknown }[] = [];
    for (let i = 0; i < 300; i += 1) {
      if (i % 3 === 2) await reserve(1, 40);
      else await adjust(2);
      await adjust(1, 'OTHER');
      advance(7);
      const record = await queries.record(RECORD);
      remembered.push({ sequence: repository.durableSequence(), time: now(), record });
      advance(1);
    }

    for (const { sequence, time, record } of remembered) {
      expect(await queries.recordAt(RECORD, { sequence })).toMatchObject({ ...asSeen(record) });
      expect(await queries.recordAt(RECORD, { time })).toMatchObject({ ...asSeen(record) });
    }
  });

  it('counts no hold that was due by then, though nobody came to settle it', async () => {
    const { queries, adjust, reserve, advance, now } = createInventory();
    await adjust(10);
    await reserve(3, 100);
    await reserve(4, 5_000);
    const before = now();
    advance(2_000);
    const between = now();
    advance(10_000);
    const after = now();
    advance(1);

    expect(await queries.recordAt(RECORD, { time: before })).toMatchObject({ reserved: 7 });
    expect(await queries.recordAt(RECORD, { time: between })).toMatchObject({ reserved: 4 });
    expect(await queries.recordAt(RECORD, { time: after })).toMatchObject({ reserved: 0 });
  });

  it('is what it was also where that is not durable yet: the answer waits, and stays the same', async () => {
    let now = START;
    const clock = { wallMs: () => now, monotonicMs: () => now };
    const repository = createHeldBackRepository(createRecordClock(clock, () => undefined));
    const service = createInventoryService({
      repository,
      mutex: createKeyedMutex(),
      idempotencyTtlMs: 1_000,
      idempotencyKeysMax: 1_000,
      reservationRetentionMs: 1_000,
    });
    const queries = createInventoryQueries(repository, service);
    const added = service.execute({ type: 'AdjustStock', ...RECORD, delta: 5 });
    const time = now;
    now += 1;

    let isAnswered = false;
    const answer = queries.recordAt(RECORD, { time }).finally(() => (isAnswered = true));
    await new Promise(setImmediate);
    expect(isAnswered).toBe(false);
    repository.sync();

    expect(await answer).toMatchObject({ onHand: 5 });
    await added;
  });

  it('is not there before its first event, and not known in the future', async () => {
    const { queries, adjust, now } = createInventory();
    await adjust(1, 'OTHER');
    await adjust(1);

    expect(await queries.recordAt(RECORD, { sequence: 1 })).toBeUndefined();
    expect(await queries.recordAt(RECORD, { time: now() - 1 })).toBeUndefined();
    expect(await queries.recordAt(RECORD, { sequence: 3 })).toBe('not-yet');
    // Of the present millisecond more may come.
    expect(await queries.recordAt(RECORD, { time: now() })).toBe('not-yet');
    expect(await queries.recordAt(RECORD, { time: now() + 1 })).toBe('not-yet');
  });

  it('is found in a few steps, however many versions lie between', async () => {
    const { repository, adjust } = createInventory();
    for (let i = 0; i < 10_000; i += 1) await adjust(1);
    let read = 0;
    const history = createRecordHistory({
      record: (key) => repository.record(key),
      durableSequence: () => repository.durableSequence(),
      event: (sequence) => {
        read += 1;
        return repository.event(sequence);
      },
    });

    for (const sequence of [1, 63, 64, 65, 4_095, 4_096, 4_097, 5_000, 9_999, 10_000]) {
      read = 0;
      const record = await history.recordAt(stockKey(RECORD), { sequence });
      expect(record).toMatchObject({ version: sequence, onHand: sequence });
      expect(read).toBeLessThan(500);
    }
  });
});

/** Its version may be older in the past than in a read, which settles what is due first. */
function asSeen(record: unknown): { onHand: number; reserved: number } {
  const { onHand, reserved } = record as { onHand: number; reserved: number };
  return { onHand, reserved };
}
