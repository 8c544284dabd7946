import { describe, expect, it } from 'vitest';
import type { Command } from '../../src/domain/commands.js';
import { UnavailableError } from '../../src/domain/errors.js';
import type { FileSystem } from '../../src/storage/file/disk/file-system.js';
import { reportProof } from '../support/proof-figures.js';
import { createSeededRandom } from '../support/seeded-random.js';
import { createSimulatedDisk } from '../support/simulated-disk.js';
import { openSimulatedService } from './simulated-service.js';
import { type SimulatedTime, createSimulatedTime } from './simulated-time.js';

const A = { storeId: 'S1', sku: 'A' };
const one: Command = { type: 'AdjustStock', ...A, delta: 1 };

/** The service on a disk whose syncs of the log take so long, in simulated ms. */
async function slowService(syncMs: number) {
  const random = createSeededRandom(1);
  const time = createSimulatedTime(random);
  const disk = createSimulatedDisk(random, { turnsMax: 0 });
  const slow = { syncs: 0 };
  const fileSystem = withSlowSyncs(disk.life.fileSystem, async () => {
    slow.syncs += 1;
    await time.pause(syncMs);
  });
  const failed = (error: unknown) => expect.fail(String(error));
  const opening = openSimulatedService({
    fileSystem,
    time,
    ids: { next: () => 'id' },
    onFatal: () => failed('fatal'),
    onDefect: failed,
  });
  const service = await time.until(opening);
  await time.until(service.service.execute(one));
  return { time, slow, ...service };
}

function withSlowSyncs(disk: FileSystem, wait: () => Promise<void>): FileSystem {
  return {
    ...disk,
    async openAppend(path) {
      const file = await disk.openAppend(path);
      return {
        ...file,
        async dataSync() {
          await wait();
          await file.dataSync();
        },
      };
    },
  };
}

describe.each([50, 1_000, 10_000])('while every sync takes %i ms', (syncMs) => {
  it('reads take no time at all, and writes wait for two syncs at the most', async () => {
    const { time, slow, service, queries } = await slowService(syncMs);
    const syncsBefore = slow.syncs;
    const start = time.clock.monotonicMs();
    const writes = Promise.all(Array.from({ length: 500 }, () => service.execute(one)));
    await time.until(time.pause(syncMs / 2));
    for (let count = 0; count < 100; count += 1) {
      const before = time.clock.monotonicMs();
      expect(await time.until(queries.record(A))).toMatchObject({ version: 1, onHand: 1 });
      expect(time.clock.monotonicMs()).toBe(before);
    }
    await time.until(writes);
    expect(await time.until(queries.record(A))).toMatchObject({ version: 501, onHand: 501 });
    // With a rotation in between, which syncs a seal and an empty segment of its own.
    expect(slow.syncs - syncsBefore).toBeLessThanOrEqual(4);
    expect(elapsed(time, start)).toBeLessThanOrEqual(4 * syncMs + 1);
  });

  it('more than may wait is turned away at once, and leaves nothing behind', async () => {
    const { time, service, events } = await slowService(syncMs);
    const offered = Array.from({ length: 150 }, (_, batch) => service.execute(thousand(batch)));
    const results = Promise.allSettled(offered);
    await time.until(time.pause(1));
    const settled = await time.until(results);
    const refused = settled.filter((result) => result.status === 'rejected');
    expect(refused.length).toBeGreaterThan(30);
    for (const { reason } of refused) {
      expect(reason).toBeInstanceOf(UnavailableError);
      expect((reason as UnavailableError).code).toBe('overloaded');
    }
    expect(await time.until(events())).toHaveLength(1 + 150 - refused.length);
    if (syncMs === 10_000) {
      reportProof({
        promise: 'P2 P5',
        fault: 'syncs of 50 ms, 1 s and 10 s (simulated)',
        runs: '3 disks',
        checked: '300 reads in no time, what was turned away left nothing',
        wrong: 0,
      });
    }
  });
});

/** An atomic batch of a thousand lines. */
function thousand(batch: number): Command {
  return {
    type: 'BatchStock',
    operations: Array.from({ length: 1_000 }, (_, index) => ({
      type: 'AdjustStock' as const,
      storeId: 'S2',
      sku: `${batch}-${index}`,
      delta: 1,
    })),
  };
}

function elapsed(time: SimulatedTime, start: number): number {
  return time.clock.monotonicMs() - start;
}
