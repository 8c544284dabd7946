import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { dataPaths } from '../../../../src/storage/file/disk/data-directory.js';
import { DataDirectoryError } from '../../../../src/storage/file/disk/errors.js';
import { loadManifest, saveManifest } from '../../../../src/storage/file/log/manifest.js';
import { verifyLog } from '../../../../src/storage/file/recovery/verify-log.js';
import { createSeededRandom } from '../../../support/seeded-random.js';
import { type SimulatedDisk, createSimulatedDisk } from '../../../support/simulated-disk.js';
import { type TestStorage, keyedRequest } from '../../../support/test-storage.js';
import {
  damagesOf,
  fill,
  forged,
  imageOf,
  onLines,
  pathsIn,
  segmentsOf,
  startedFrom,
  withFiles,
} from '../data-images.js';
import { BUSY_POLICY, ROOT, SEGMENT, emptyDisk, faultyStorage, quiet } from '../faulty-storage.js';

const SNAPSHOTS = `${ROOT}/snapshots`;

describe('verifying a directory', () => {
  it('counts what the log holds, and finds the snapshots equal', async () => {
    const { disk, open } = faultyStorage();
    const { adjust, service, repository } = await open({ policy: BUSY_POLICY });
    for (let count = 0; count < 40; count += 1) await adjust('A', 1, `key-${count}`);
    await service.execute(
      {
        type: 'ReserveStock',
        reservationId: 'r',
        lines: [{ storeId: 'S1', sku: 'A', qty: 7 }],
      },
      keyedRequest('reserve'),
    );
    await repository.close();
    const report = await verifyLog(disk.life.fileSystem, ROOT);
    expect(report).toMatchObject({
      events: 41,
      lastSequence: 41,
      records: 1,
      onHand: 40,
      reserved: 7,
      activeReservations: 1,
      liveKeys: 41,
      clean: true,
      tornBytes: 0,
      differences: [],
    });
    expect(report.sealedSegments).toBeGreaterThan(3);
    expect(report.snapshots.map(({ verdict }) => verdict)).toEqual(['equal', 'equal']);
  });

  it('changes nothing', async () => {
    const image = await imageOf({ events: 40, policy: BUSY_POLICY });
    const { disk, faulty } = startedFrom(image);
    await verifyLog(faulty.fileSystem, ROOT);
    const after = disk.files();
    expect([...after.keys()]).toEqual([...image.keys()]);
    for (const [path, bytes] of image) expect(after.get(path)!.equals(bytes)).toBe(true);
    const names = new Set(faulty.operations.map(({ name }) => name));
    expect([...names].sort()).toEqual(['close', 'list', 'openRead', 'read', 'size']);
    expect(faulty.openFiles).toBe(0);
  });

  it('tells of a torn tail, which is no damage', async () => {
    const image = await imageOf({ events: 5 });
    const torn = Buffer.concat([image.get(SEGMENT)!, Buffer.from('{"sequence":6')]);
    const { life } = emptyDisk(withFiles(image, { [SEGMENT]: torn }));
    expect(await verifyLog(life.fileSystem, ROOT)).toMatchObject({ events: 5, tornBytes: 13 });
  });

  it('names file, line and sequence of any damage, also behind a snapshot', async () => {
    const image = await imageOf({ events: 40, policy: BUSY_POLICY });
    for (const path of segmentsOf(image).slice(0, -1)) {
      for (const { on } of damagesOf(2).slice(0, 3)) {
        const { life } = emptyDisk(withFiles(image, { [path]: on(image.get(path)!) }));
        const verifying = verifyLog(life.fileSystem, ROOT);
        await expect(verifying).rejects.toThrow(DataDirectoryError);
        await expect(verifying).rejects.toThrow(path);
        await expect(verifying).rejects.toThrow(/line [34] \(sequence \d+\)/);
      }
    }
  });

  it('finds a log that was cut short', async () => {
    const image = await imageOf({ events: 5 });
    const cut = onLines((lines) => lines.slice(0, -1))(image.get(SEGMENT)!);
    const { life } = emptyDisk(withFiles(image, { [SEGMENT]: cut }));
    await expect(verifyLog(life.fileSystem, ROOT)).rejects.toThrow(/sequence 5.*acknowledged/);
  });

  it('refuses a directory that is none', async () => {
    const { life } = emptyDisk();
    await expect(verifyLog(life.fileSystem, ROOT)).rejects.toThrow(/no MANIFEST.json/);
  });

  it('finds what a snapshot says otherwise than the log', async () => {
    const image = await imageOf({ events: 40, policy: BUSY_POLICY });
    const doctored: [RegExp, string, RegExp][] = [
      [/"onHand":\[?/, '$&9', /S1\/A: the log says .*"onHand":\d+.*snapshot says .*9\d/],
      [/"sku":\["A",/, '"sku":["X",', /S1\/X: only the snapshot has it/],
      [/\["key-1",/, '["key-0",', /idempotency key key-1: the log says .* snapshot says nothing/],
      [/"at":(\d+)/, '"at":9$1', /its last event is of 9/],
    ];
    for (const [pattern, replacement, difference] of doctored) {
      const disk = emptyDisk(image);
      await doctor(disk, pattern, replacement);
      const report = await verifyLog(disk.life.fileSystem, ROOT);
      expect(report.differences.join('\n')).toMatch(difference);
      expect(report.snapshots.map(({ verdict }) => verdict)).toContain('DIFFERS');
    }
  });

  it('finds a snapshot that cannot be read, or stands where no segment ends', async () => {
    const image = await imageOf({ events: 40, policy: BUSY_POLICY });
    const [newest] = pathsIn(image, SNAPSHOTS).slice(-1);
    const missing = emptyDisk(withFiles(image, { [newest!]: undefined }));
    expect((await verifyLog(missing.life.fileSystem, ROOT)).differences).toEqual([
      expect.stringMatching(/cannot be used: ENOENT/),
    ]);
    const moved = emptyDisk(image);
    const { fileSystem } = moved.life;
    const manifest = (await loadManifest(fileSystem, ROOT))!;
    const snapshots = manifest.snapshots.map((each) => ({ ...each, sequence: each.sequence - 1 }));
    await saveManifest(fileSystem, ROOT, { ...manifest, snapshots });
    expect((await verifyLog(fileSystem, ROOT)).differences).toEqual([
      expect.stringMatching(/no segment ends at event/),
      expect.stringMatching(/no segment ends at event/),
    ]);
  });

  it('may be done while a server writes, rotates and makes snapshots', async () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const disk = createSimulatedDisk(createSeededRandom(seed));
      const storage = await faultyStorage(disk).open({ policy: BUSY_POLICY });
      const writing = { now: true };
      const written = fillSlowly(storage).finally(() => (writing.now = false));
      let verified = 0;
      while (writing.now) {
        const acknowledged = storage.repository.durableSequence();
        const report = await verifyLog(disk.life.fileSystem, ROOT);
        expect(report.differences).toEqual([]);
        expect(report.events).toBeGreaterThanOrEqual(acknowledged);
        verified += 1;
      }
      await written;
      expect(verified).toBeGreaterThan(2);
    }
  });
});

async function fillSlowly(storage: TestStorage): Promise<void> {
  for (let count = 0; count < 30; count += 1) {
    await fill(storage, 1);
    await quiet();
  }
}

/** Changes what the newest snapshot says, and makes every checksum right again. */
async function doctor(disk: SimulatedDisk, pattern: RegExp, replacement: string): Promise<void> {
  const { fileSystem } = disk.life;
  const manifest = (await loadManifest(fileSystem, ROOT))!;
  const newest = manifest.snapshots.at(-1)!;
  const path = `${dataPaths(ROOT).snapshots}/${newest.file}`;
  const bytes = forged(disk.files().get(path)!, (text) => text.replace(pattern, replacement));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  disk.put(path, bytes);
  const snapshots = [
    ...manifest.snapshots.slice(0, -1),
    { ...newest, bytes: bytes.length, sha256 },
  ];
  await saveManifest(fileSystem, ROOT, { ...manifest, snapshots });
}
