import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createInventoryService } from '../../src/application/inventory-service.js';
import { limitRepository } from '../../src/application/limited-repository.js';
import { createRecordClock } from '../../src/application/record-clock.js';
import { createBulkhead } from '../../src/resilience/bulkhead.js';
import { createKeyedMutex } from '../../src/resilience/keyed-mutex.js';
import { createFakeClock } from '../support/fake-clock.js';
import { createFakeTimers } from '../support/fake-timers.js';
import { createHeldBackRepository } from '../support/held-back-repository.js';

/** A service whose disk is held back, with one slot for all that decide. */
function setUp() {
  const clock = createFakeClock();
  const timers = createFakeTimers(clock);
  const bulkhead = (slots: number) =>
    createBulkhead({
      clock,
      timers,
      slots,
      queueMax: 2,
      waitMsMax: 1_000,
      refusal: (reason) => new Error(reason),
    });
  const repository = createHeldBackRepository(createRecordClock(clock, () => undefined));
  const decisions = bulkhead(1);
  const logReads = bulkhead(1);
  const service = createInventoryService({
    repository: limitRepository(repository, { decisions, logReads }),
    mutex: createKeyedMutex(),
    idempotencyTtlMs: 300_000,
    idempotencyKeysMax: 1_000,
    reservationRetentionMs: 1_000,
  });
  const adjust = (sku: string, key?: string) =>
    service.execute(
      { type: 'AdjustStock', storeId: 'S1', sku, delta: 1 },
      key === undefined
        ? undefined
        : { key, fingerprint: 'same', requestId: 'r', instance: '/test' },
    );
  return { repository, decisions, logReads, adjust };
}

describe('the bulkhead of those who decide', () => {
  it('has no slot taken while writes wait for their sync, however many do', async () => {
    const { repository, decisions, adjust } = setUp();
    const writes = Array.from({ length: 50 }, (_, index) => adjust(`SKU${index}`));
    await turn();
    expect(decisions.statistics()).toMatchObject({ slots: 1, active: 0, queued: 0, run: 50 });
    repository.sync();
    expect(await Promise.all(writes)).toHaveLength(50);
  });
});

describe('the bulkhead of those who read the log', () => {
  it('lets replays wait for each other, and not for those who decide', async () => {
    const { repository, decisions, logReads, adjust } = setUp();
    const first = adjust('SKU', 'key');
    await turn();
    repository.sync();
    await first;
    const replays = await Promise.all([adjust('SKU', 'key'), adjust('SKU', 'key')]);
    expect(replays).toMatchObject([{ replayed: true }, { replayed: true }]);
    expect(logReads.statistics()).toMatchObject({ run: 2, active: 0 });
    expect(decisions.statistics()).toMatchObject({ run: 3, refused: 0 });
  });
});
