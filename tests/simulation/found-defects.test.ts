import { describe, expect, it } from 'vitest';
import { verifyLog } from '../../src/storage/file/recovery/verify-log.js';
import { faultyStorage, quiet, ROOT } from '../storage/file/faulty-storage.js';
import { playSeed } from './failure-report.js';

const HOUR_MS = 3_600_000;

/** What the simulation has found in the service, mended since. */
describe('found by the simulation', () => {
  it('SEED=11: a snapshot left out a key whose end was past, though the log was not', async () => {
    await playSeed(11);
  });

  it('the same, told plainly', async () => {
    const { disk, open } = faultyStorage();
    const { adjust, service, system, repository } = await open({
      policy: { everyEvents: 12, logBytesMin: 1 },
    });
    for (let count = 1; count <= 12; count += 1) await adjust('A', 1, `key-${count}`);
    system.advance(HOUR_MS + 1);
    // Refused without a key, it adds nothing to the log; but it forgets what is over by its time.
    const tooMuch = { type: 'AdjustStock', storeId: 'S1', sku: 'A', delta: -100 } as const;
    for (let count = 1; count <= 12; count += 1) await service.execute(tooMuch);
    // The first segment is sealed before this is written, and the state so far is what is frozen.
    await adjust('A', 1);
    await quiet();
    await repository.close();
    const report = await verifyLog(disk.life.fileSystem, ROOT);
    expect(report.snapshots).toHaveLength(1);
    expect(report.differences).toEqual([]);
  });
});
