import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { loadManifest } from '../../../../src/storage/file/log/manifest.js';
import { createNodeFileSystem } from '../../../../src/storage/file/disk/node-file-system.js';
import { verifyLog } from '../../../../src/storage/file/recovery/verify-log.js';
import { createThreadSegmentChecker } from '../../../../src/storage/file/integrity/thread-segment-checker.js';
import { temporaryDirectory } from '../../../support/temporary-directory.js';
import { type TestStorage, openTestStorage } from '../../../support/test-storage.js';
import { fill } from '../data-images.js';
import { BUSY_POLICY } from '../faulty-storage.js';

const fileSystem = createNodeFileSystem();

/** The repository on a real disk, with its segmentChecker in a thread. */
function openReal(root: string): Promise<TestStorage> {
  const segmentChecker = createThreadSegmentChecker(root);
  return openTestStorage({ root, fileSystem, segmentChecker, policy: BUSY_POLICY });
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(20);
}

/** A closed directory with some sealed segments and a snapshot. */
async function usedDirectory(): Promise<string> {
  const root = temporaryDirectory();
  const storage = await openReal(root);
  await fill(storage, 30);
  await until(() => storage.said.snapshots.length > 0);
  await storage.repository.close();
  expect(storage.said).toMatchObject({ warnings: [], writable: [], fatal: [] });
  return root;
}

function rot(path: string): void {
  const bytes = readFileSync(path);
  bytes[300]! ^= 1;
  writeFileSync(path, bytes);
}

describe('the check of segments in a thread', () => {
  it('stands beside snapshots that equal the log, and that the next start uses', async () => {
    const root = await usedDirectory();
    const report = await verifyLog(fileSystem, root);
    expect(report.differences).toEqual([]);
    expect(report.snapshots.length).toBeGreaterThan(0);
    const { repository, said } = await openReal(root);
    expect(repository.recovery.events).toBe(30);
    expect(repository.recovery.replayed).toBeLessThan(30);
    await repository.close();
    expect(said.warnings).toEqual([]);
  });

  it('checks old segments after a start, and stops the writes over what it finds', async () => {
    const root = await usedDirectory();
    const [oldest] = readdirSync(`${root}/events`).sort();
    rot(`${root}/events/${oldest!}`);
    const { repository, adjust, said } = await openReal(root);
    await until(() => said.writable.length > 0);
    await expect(adjust('A', 1)).rejects.toMatchObject({ code: 'storage-unavailable' });
    await repository.close();
  });

  it('says what it could not read', async () => {
    const root = await usedDirectory();
    const { sealed } = (await loadManifest(fileSystem, root))!;
    const nothing = createThreadSegmentChecker(`${root}/none`);
    expect(await nothing.check(sealed)).toMatch(/cannot be read \(ENOENT\)/);
  });

  it('is ended by a stop, and the next start is clean', async () => {
    const root = temporaryDirectory();
    const first = await openReal(root);
    await fill(first, 12);
    await first.repository.close();
    const second = await openReal(root);
    expect(second.repository.recovery).toMatchObject({ clean: true, events: 12 });
    await second.repository.close();
    expect([...first.said.warnings, ...second.said.warnings]).toEqual([]);
  });
});
