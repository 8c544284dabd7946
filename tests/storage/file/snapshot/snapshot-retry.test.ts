import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../support/fake-clock.js';
import { createFakeTimers } from '../../../support/fake-timers.js';
import { createSimulatedSystem } from '../../../support/simulated-system.js';
import { type TestStorage } from '../../../support/test-storage.js';
import { BUSY_POLICY, faultyStorage, quiet } from '../faulty-storage.js';

const SNAPSHOT_CREATE = { name: 'create', path: /snapshots\// } as const;

/** A storage whose snapshots are tried three times, in the time of a clock that stands. */
async function openStorage() {
  const { faulty, open } = faultyStorage();
  const clock = createFakeClock();
  const timers = createFakeTimers(clock);
  const system = { ...createSimulatedSystem(), clock, timers };
  const storage = await open({ policy: BUSY_POLICY, retry: { baseMs: 1_000, times: 2 }, system });
  const attempts = (): number =>
    faulty.operations.filter(
      ({ name, path }) => name === 'create' && SNAPSHOT_CREATE.path.test(path),
    ).length;
  return { ...storage, faulty, timers, attempts };
}

/** Writes until a segment was sealed, which is when a snapshot falls due. */
async function writeUntilDue({ adjust }: TestStorage): Promise<void> {
  // After a failed sync nothing is answered any more.
  for (let count = 0; count < 8; count += 1) await Promise.race([adjust('A', 1), quiet()]);
  await quiet();
}

describe('a snapshot that fails', () => {
  it('is made again a little later, without waiting for the next one that is due', async () => {
    const storage = await openStorage();
    storage.faulty.failNext(SNAPSHOT_CREATE, 'ENOSPC');
    await writeUntilDue(storage);
    expect(storage.said.snapshots).toEqual([]);
    expect(storage.said.warnings).toEqual([expect.stringMatching(/tried again in \d+ ms/)]);
    await storage.timers.pass(1_000);
    await quiet();
    expect(storage.said.snapshots).toHaveLength(1);
    await storage.repository.close();
  });

  it('is given up after so many attempts; writes go on all the while', async () => {
    const storage = await openStorage();
    storage.faulty.failAll(SNAPSHOT_CREATE, 'ENOSPC');
    await writeUntilDue(storage);
    await storage.timers.pass(60_000);
    await quiet();
    expect(storage.attempts()).toBe(3);
    expect(storage.said.warnings.at(-1)).toMatch(/^no snapshot was made: .*ENOSPC/);
    await storage.adjust('A', 1);
    expect(storage.said).toMatchObject({ writable: [], fatal: [] });
    await storage.repository.close();
  });

  it('is not made again where a sync of it failed', async () => {
    const storage = await openStorage();
    storage.faulty.failNext({ name: 'dataSync', path: /snapshots\// }, 'EIO');
    await writeUntilDue(storage);
    expect(storage.said.fatal).toHaveLength(1);
    await storage.timers.pass(60_000);
    expect(storage.attempts()).toBe(1);
  });

  it('does not hold up a stop while it waits for its next attempt', async () => {
    const storage = await openStorage();
    storage.faulty.failAll(SNAPSHOT_CREATE, 'ENOSPC');
    await writeUntilDue(storage);
    await storage.repository.close();
    expect(storage.timers.waiting).toBe(0);
    expect(storage.attempts()).toBe(1);
  });
});
