import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startExpiryTimer } from '../../src/application/expiry-timer.js';
import { executeIndependently } from '../../src/application/independent-commands.js';
import { createInventoryService } from '../../src/application/inventory-service.js';
import { createRecordClock } from '../../src/application/record-clock.js';
import type { BatchOperation } from '../../src/domain/commands.js';
import { stockKey } from '../../src/domain/keys.js';
import { createKeyedMutex } from '../../src/resilience/keyed-mutex.js';
import { createMemoryInventoryRepository } from '../../src/storage/memory/memory-inventory-repository.js';
import { createSystem } from '../../src/system.js';
import { createFakeClock } from '../support/fake-clock.js';
import { openFileHarness } from '../support/file-harness.js';
import { proofScale } from '../support/seeded-random.js';

/** PROOF_SCALE=10 makes it a million. */
const HOLDS = 100_000 * proofScale();
const HOLDS_PER_BATCH = 10_000;
const RECORDS = 1_000;
/** About what one event may settle; a hold has one line here. */
const LINES_PER_TICK_MAX = 1_000;
const storeId = 'S1';

it('settles a great many holds that fall due at once bit by bit, and lets others in between', async () => {
  const clock = createFakeClock();
  const { timers } = createSystem();
  const repository = createMemoryInventoryRepository(createRecordClock(clock, () => undefined));
  const service = createInventoryService({
    repository,
    mutex: createKeyedMutex(),
    idempotencyTtlMs: 60_000,
    idempotencyKeysMax: 1_000,
    reservationRetentionMs: 1,
  });
  const skus = Array.from({ length: RECORDS }, (_, index) => `K${index}`);
  const counts = skus.map((sku): BatchOperation => ({
    type: 'CountStock',
    storeId,
    sku,
    onHand: 1_000_000,
  }));
  await service.execute({ type: 'BatchStock', operations: counts });
  for (let first = 0; first < HOLDS; first += HOLDS_PER_BATCH) {
    const operations = Array.from({ length: HOLDS_PER_BATCH }, (_, index): BatchOperation => {
      const sku = skus[(first + index) % RECORDS]!;
      const reservationId = `r${first + index}`;
      return { type: 'ReserveStock', reservationId, lines: [{ storeId, sku, qty: 1 }], ttlMs: 50 };
    });
    await service.execute({ type: 'BatchStock', operations });
  }
  const before = repository.durableSequence();

  clock.advance(50);
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  const timer = startExpiryTimer({ timers, inventory: repository, service, onError });
  // Records of others, one by one, while there is still something due.
  let visits = 0;
  while ((await repository.nextExpiry()) !== undefined) {
    await service.execute({ type: 'AdjustStock', storeId, sku: `other${visits}`, delta: 1 });
    visits += 1;
    await turn();
  }
  await timer.stop();

  const events = await repository.eventsAfter(before, Number.MAX_SAFE_INTEGER);
  const expiries = events.filter(({ type }) => type === 'ReservationExpired');
  const sizes = expiries.map(({ reservations }) => reservations.length);
  expect(errors).toEqual([]);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(LINES_PER_TICK_MAX);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(HOLDS);
  // No two ticks without a turn for others between them.
  expect(visits).toBeGreaterThanOrEqual(expiries.length);
  for (const sku of skus) {
    expect(await repository.record(stockKey({ storeId, sku }))).toMatchObject({ reserved: 0 });
  }
}, 300_000);

it('decides the commands of a batch about one record in their order, however many holds are due', async () => {
  const clock = createFakeClock();
  const { repository, dispose } = await openFileHarness(clock, 'closed');
  const service = createInventoryService({
    repository,
    mutex: createKeyedMutex(),
    idempotencyTtlMs: 60_000,
    idempotencyKeysMax: 1_000,
    reservationRetentionMs: 1,
  });
  const holds = 1_500;
  await service.execute({ type: 'CountStock', storeId, sku: 'A', onHand: holds });
  const operations = Array.from({ length: holds }, (_, index): BatchOperation => ({
    type: 'ReserveStock',
    reservationId: `r${index}`,
    lines: [{ storeId, sku: 'A', qty: 1 }],
    ttlMs: 50,
  }));
  await service.execute({ type: 'BatchStock', operations });
  clock.advance(100);

  const all = [{ storeId, sku: 'A', qty: holds + 500 }];
  const outcomes = await executeIndependently(
    service,
    [
      { command: { type: 'AdjustStock', storeId, sku: 'A', delta: 500 } },
      { command: { type: 'ReserveStock', reservationId: 'all', lines: all } },
    ],
    () => Promise.resolve(),
  );
  expect(outcomes).toMatchObject([
    { event: { type: 'StockAdjusted' } },
    { event: { type: 'StockReserved' } },
  ]);
  await dispose();
});
