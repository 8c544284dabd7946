import { describe, expect, it } from 'vitest';
import { DataDirectoryError } from '../../../../src/storage/file/disk/errors.js';
import { loadManifest } from '../../../../src/storage/file/log/manifest.js';
import { createFakeClock } from '../../../support/fake-clock.js';
import { createFakeTimers } from '../../../support/fake-timers.js';
import { createSeededRandom } from '../../../support/seeded-random.js';
import { createSimulatedDisk } from '../../../support/simulated-disk.js';
import { damagesOf, fill, imageOf, pathsIn, segmentsOf, withFiles } from '../data-images.js';
import {
  BUSY_POLICY,
  MANIFEST,
  ROOT,
  SEGMENT,
  bytesOf,
  emptyDisk,
  faultyStorage,
  quiet,
} from '../faulty-storage.js';
import { COPY, copied, eventsOfCopy, openedCopy } from './copies.js';

describe('a copy of a data directory', () => {
  it('holds the same events, and is a directory that a server starts on', async () => {
    const image = await imageOf({ events: 40, policy: BUSY_POLICY, clean: true });
    const { disk, faulty, open } = faultyStorage(emptyDisk(image));
    const report = await copied({ fileSystem: faulty.fileSystem });
    expect(report).toMatchObject({ events: 40, onHand: 40, liveKeys: 40, clean: true });
    expect(report.sealedSegments).toBeGreaterThan(3);
    expect(faulty.openFiles).toBe(0);
    expect(report.snapshots.map(({ verdict }) => verdict)).toEqual(['equal', 'equal']);

    const copy = await openedCopy(disk.life.fileSystem);

    expect(copy.repository.recovery).toMatchObject({ events: 40, clean: true, tornBytes: 0 });
    expect(copy.said.warnings).toEqual([]);
    expect(await copy.events()).toEqual(await (await open()).events());
    // A key answers a retry there, too; and the log goes on.
    const again = await copy.adjust('A', 1, 'key-40');
    expect(again).toMatchObject({ replayed: true });
    await copy.adjust('A', 1);
    expect(copy.repository.durableSequence()).toBe(41);
  });

  it('is another node, and says which one it was made of, and how far', async () => {
    const { disk } = faultyStorage(emptyDisk(await imageOf({ events: 5 })));
    const { fileSystem } = disk.life;
    const source = await loadManifest(fileSystem, ROOT);
    await copied({ fileSystem });
    await copied({ fileSystem, to: '/data/second' });
    const copy = await loadManifest(fileSystem, COPY);
    const second = await loadManifest(fileSystem, '/data/second');
    expect(copy!.origin).toEqual({ nodeId: source!.nodeId, sequence: 5 });
    expect(new Set([source, copy, second].map((each) => each!.nodeId)).size).toBe(3);
    expect(source!.origin).toBeNull();
  });

  it('leaves the source as it was, and opens nothing of it for writing', async () => {
    const image = await imageOf({ events: 40, policy: BUSY_POLICY });
    const { disk, faulty } = faultyStorage(emptyDisk(image));
    await copied({ fileSystem: faulty.fileSystem });
    const after = disk.files();
    expect(pathsIn(after, ROOT)).toEqual(pathsIn(image, ROOT));
    for (const [path, bytes] of image) expect(after.get(path)!.equals(bytes)).toBe(true);
    const inSource = faulty.operations.filter(({ path }) => path.startsWith(ROOT));
    const names = new Set(inSource.map(({ name }) => name));
    expect([...names].sort()).toEqual(['close', 'openRead', 'read', 'size']);
  });

  it('survives a loss of power as soon as it is done', async () => {
    const disk = emptyDisk(await imageOf({ events: 40, policy: BUSY_POLICY }));
    await copied({ fileSystem: disk.life.fileSystem });
    disk.losePower();
    expect(await eventsOfCopy(disk.life.fileSystem)).toHaveLength(40);
  });

  it('is refused where something is already, and where another one is being made', async () => {
    const disk = emptyDisk(await imageOf({ events: 5 }));
    const { fileSystem } = disk.life;
    disk.put(`${COPY}/lost+found`, Buffer.from(''));
    await copied({ fileSystem });
    await expect(copied({ fileSystem })).rejects.toThrow(/not empty \(MANIFEST.json/);
    await expect(copied({ fileSystem, to: ROOT })).rejects.toThrow(/not empty/);
    const both = ['one', 'two'].map(() => copied({ fileSystem, to: '/data/both' }));
    const ended = await Promise.allSettled(both);
    expect(ended.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('is refused where there is no data', async () => {
    const { fileSystem } = emptyDisk().life;
    await expect(copied({ fileSystem })).rejects.toThrow(/has no MANIFEST.json/);
  });
});

describe('a copy of a directory that is in use', () => {
  it('has all that was acknowledged before, and only what is in the source for good', async () => {
    for (let seed = 1; seed <= 8; seed += 1) {
      const disk = createSimulatedDisk(createSeededRandom(seed));
      const source = await faultyStorage(disk).open({ policy: BUSY_POLICY });
      const copies: { readonly to: string; readonly events: number }[] = [];
      const written = (async () => {
        while (copies.length < 3) await fill(source, 1).then(quiet);
      })();
      while (copies.length < 3) {
        const acknowledged = source.repository.durableSequence();
        const to = `/data/copy-${copies.length}`;
        const { events, differences } = await copied({ fileSystem: disk.life.fileSystem, to });
        expect(events).toBeGreaterThanOrEqual(acknowledged);
        expect(differences).toEqual([]);
        copies.push({ to, events });
      }
      await written;
      const all = await source.events();
      expect(all.length).toBeGreaterThan(copies[0]!.events);
      for (const { to, events } of copies) {
        expect(await eventsOfCopy(disk.life.fileSystem, to)).toEqual(all.slice(0, events));
      }
      expect(source.said).toMatchObject({ warnings: [], fatal: [] });
    }
  });

  it('waits for what is being written, and has nothing that its writer takes back', async () => {
    const { disk, faulty, open } = faultyStorage();
    const source = await open();
    await fill(source, 3);
    // Two events in one batch, of which the first gets to the file before there is no room.
    const lineBytes = bytesOf(disk, SEGMENT).length / 4;
    faulty.room = Math.ceil(lineBytes * 1.5);
    const cut = faulty.hold({ name: 'truncate' });
    const writes = Promise.allSettled([source.adjust('A', 1), source.adjust('B', 1)]);
    await cut.reached;
    expect(bytesOf(disk, SEGMENT).toString()).toContain('{"sequence":4,');
    const timers = createFakeTimers(createFakeClock());
    const copying = copied({ fileSystem: disk.life.fileSystem, timers });
    await quiet();
    await timers.pass(100);
    cut.release();
    await writes;
    await timers.pass(3_000);
    expect(await copying).toMatchObject({ events: 3 });
  });

  it('is not held up by a sync that does not return', async () => {
    const { disk, faulty, open } = faultyStorage();
    const source = await open();
    await fill(source, 3);
    const sync = faulty.hold({ name: 'dataSync' });
    void source.adjust('A', 1);
    await sync.reached;
    const timers = createFakeTimers(createFakeClock());
    const copying = copied({ fileSystem: disk.life.fileSystem, timers });
    await quiet();
    await timers.pass(3_000);
    // Nobody was promised the fourth, and nobody was told that it is not there.
    expect(await copying).toMatchObject({ events: 4 });
  });

  it('does without a snapshot that is replaced while it looks', async () => {
    const { disk, faulty, open } = faultyStorage();
    const source = await open({ policy: BUSY_POLICY });
    await fill(source, 20);
    const copier = faultyStorage(disk).faulty;
    const reading = copier.hold({ name: 'openRead', path: /inventory\/snapshots/ });
    const warnings: string[] = [];
    const copying = copied({ fileSystem: copier.fileSystem, warnings });
    await reading.reached;
    for (let count = 0; count < 30; count += 1) await fill(source, 1).then(quiet);
    reading.release();
    const report = await copying;
    expect(report).toMatchObject({ events: 20, snapshots: [] });
    expect(warnings).toEqual([]);
    const removed = faulty.operations.filter(({ name }) => name === 'remove');
    expect(removed.filter(({ path }) => path.includes('snapshots')).length).toBeGreaterThan(0);
  });
});

describe('a copy of a directory whose server was killed', () => {
  it('has every whole event, as a start would have it, and no torn tail', async () => {
    const image = await imageOf({ events: 5 });
    const torn = Buffer.concat([image.get(SEGMENT)!, Buffer.from('{"sequence":6')]);
    // The last watermark was on its way when the server was killed.
    const files = { [SEGMENT]: torn, [`${ROOT}/watermark`]: undefined };
    const disk = emptyDisk(withFiles(image, files));
    const timers = createFakeTimers(createFakeClock());
    const copying = copied({ fileSystem: disk.life.fileSystem, timers });
    await quiet();
    await timers.pass(3_000);
    const report = await copying;
    expect(report).toMatchObject({ events: 5, tornBytes: 0, clean: true });
  });
});

describe('a damaged source', () => {
  it('is refused, whichever segment it is in, naming file, line and sequence', async () => {
    const image = await imageOf({ events: 40, policy: BUSY_POLICY });
    for (const path of segmentsOf(image).slice(0, -1)) {
      for (const { on } of damagesOf(2)) {
        const disk = emptyDisk(withFiles(image, { [path]: on(image.get(path)!) }));
        const { fileSystem } = disk.life;
        const copying = copied({ fileSystem });
        await expect(copying).rejects.toThrow(DataDirectoryError);
        await expect(copying).rejects.toThrow(`${path}, line `);
        await expect(copying).rejects.toThrow(/line [34] \(sequence \d+\)/);
        expect(disk.files().has(`${COPY}/MANIFEST.json`)).toBe(false);
      }
    }
  });

  it('is refused where the last segment has lost what was acknowledged', async () => {
    const image = await imageOf({ events: 40, policy: BUSY_POLICY });
    const last = segmentsOf(image).at(-1)!;
    for (const { on } of damagesOf(2)) {
      const { fileSystem } = emptyDisk(withFiles(image, { [last]: on(image.get(last)!) })).life;
      await expect(copied({ fileSystem })).rejects.toThrow(/sequence \d+: line 3 .*acknowledged/);
    }
    for (const missing of segmentsOf(image)) {
      const { fileSystem } = emptyDisk(withFiles(image, { [missing]: undefined })).life;
      await expect(copied({ fileSystem })).rejects.toThrow(`${missing}, sequence`);
    }
    const rotten = withFiles(image, { [MANIFEST]: Buffer.from('rot') });
    await expect(copied({ fileSystem: emptyDisk(rotten).life.fileSystem })).rejects.toThrow(
      /MANIFEST.json is damaged/,
    );
  });

  it('of a snapshot only is copied without it, and said', async () => {
    const image = await imageOf({ events: 40, policy: BUSY_POLICY });
    const [older, newer] = pathsIn(image, `${ROOT}/snapshots`);
    const files = { [older!]: Buffer.from('rot'), [newer!]: undefined };
    const { fileSystem } = emptyDisk(withFiles(image, files)).life;
    const warnings: string[] = [];
    const report = await copied({ fileSystem, warnings });
    expect(report).toMatchObject({ events: 40, snapshots: [], differences: [] });
    expect(warnings).toEqual(
      [older, newer].map((path) => expect.stringContaining(path!) as string),
    );
  });
});
