import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { dataPaths } from '../../../../src/storage/file/disk/data-directory.js';
import { createLogReader } from '../../../../src/storage/file/log/log-reader.js';
import { Offsets } from '../../../../src/storage/file/format/offsets.js';
import { createSeededRandom } from '../../../support/seeded-random.js';
import { createSimulatedDisk } from '../../../support/simulated-disk.js';
import { fill, forged, imageOf, segmentsOf, startedFrom } from '../data-images.js';
import { BUSY_POLICY, ROOT, SEGMENT, emptyDisk, faultyStorage, quiet } from '../faulty-storage.js';

describe('reading events from the log', () => {
  it('finds each of them, in whichever segment', async () => {
    const image = await imageOf({ events: 400, policy: BUSY_POLICY });
    expect(segmentsOf(image).length).toBeGreaterThan(10);
    const { open, faulty } = startedFrom(image);
    const { repository } = await open();
    const random = createSeededRandom(1);
    for (let read = 0; read < 300; read += 1) {
      const sequence = 1 + random.int(400);
      const event = await repository.event(sequence);
      expect(event).toMatchObject({ sequence, request: { key: `key-${sequence}` } });
    }
    await repository.close();
    expect(faulty.openFiles).toBe(0);
  });

  it('scans a segment once for all who ask at the same time, and again if that failed', async () => {
    const image = await imageOf({ events: 50, policy: BUSY_POLICY });
    const { open, faulty } = startedFrom(image);
    const { repository } = await open();
    await quiet();
    const [oldest] = segmentsOf(image);
    const scans = () =>
      faulty.operations.filter(({ name, path }) => name === 'size' && path === oldest).length;
    const before = scans();
    faulty.failNext({ name: 'size', path: RegExp(oldest!) }, 'EIO');
    await expect(repository.event(1)).rejects.toMatchObject({ code: 'EIO' });
    const events = await Promise.all([1, 2, 1, 3].map((sequence) => repository.event(sequence)));
    expect(events.map(({ sequence }) => sequence)).toEqual([1, 2, 1, 3]);
    expect(scans() - before).toBe(2);
  });

  it('reads an event that is asked for again from disk only where it is large', async () => {
    const { open, faulty } = faultyStorage();
    const { repository, service, adjust } = await open();
    await adjust('A', 1);
    const operations = Array.from({ length: 33 }, (_, index) => ({
      type: 'AdjustStock' as const,
      storeId: 'S1',
      sku: `K${index}`,
      delta: 1,
    }));
    await service.execute({ type: 'BatchStock', operations });
    const readsOf = async (sequence: number): Promise<number> => {
      const before = faulty.operations.filter(({ name }) => name === 'read').length;
      expect(await repository.event(sequence)).toMatchObject({ sequence });
      return faulty.operations.filter(({ name }) => name === 'read').length - before;
    };
    expect(await readsOf(1)).toBeGreaterThan(0);
    expect(await readsOf(1)).toBe(0);
    expect(await readsOf(2)).toBeGreaterThan(0);
    expect(await readsOf(2)).toBeGreaterThan(0);
  });

  it('gives a page in order, no longer than asked for, and at least one event', async () => {
    const { repository } = await startedFrom(
      await imageOf({ events: 50, policy: BUSY_POLICY }),
    ).open();
    for (let after = 0; after < 50; after += 1) {
      for (const limit of [1, 2, 7, 1_000]) {
        const page = await repository.eventsAfter(after, limit);
        expect(page.length).toBeGreaterThan(0);
        expect(page.length).toBeLessThanOrEqual(limit);
        const expected = page.map((_, index) => after + 1 + index);
        expect(page.map(({ sequence }) => sequence)).toEqual(expected);
      }
    }
    expect(await repository.eventsAfter(50, 10)).toEqual([]);
    expect(await repository.eventsAfter(99, 10)).toEqual([]);
  });

  it('does not read on into a batch that is on disk and not published yet', async () => {
    // given a segment whose bytes are known to reach further than its events
    const { disk, open } = faultyStorage();
    await fill(await open(), 3);
    const bytes = disk.files().get(SEGMENT)!;
    const offsets = new Offsets(1);
    offsets.push(bytes.indexOf('{"sequence":1,'));
    const reader = createLogReader({
      fileSystem: disk.life.fileSystem,
      paths: dataPaths(ROOT),
      sealed: () => [],
      active: () => ({ name: '000000000001.jsonl', offsets, bytes: bytes.length }),
    });
    expect((await reader.eventsFrom(1, 1)).map(({ sequence }) => sequence)).toEqual([1]);
  });

  it('does not scan a segment that it read while it was appended to', async () => {
    const { open, faulty, disk } = faultyStorage();
    const storage = await open({ policy: BUSY_POLICY });
    const { repository } = storage;
    const scans = () =>
      faulty.operations.filter(({ name, path }) => name === 'size' && path.includes('/events/'))
        .length;
    await fill(storage, 1);
    const before = scans();
    const lag = 3;
    for (let last = 2; last <= 100; last += 1) {
      await fill(storage, 1);
      const after = Math.max(0, last - lag);
      expect(await repository.movementsAfter(after, 1)).toMatchObject([{ sequence: after + 1 }]);
    }
    expect(segmentsOf(disk.files()).length).toBeGreaterThan(2);
    expect(scans()).toBe(before);
  });

  it('believes no line, or part of one, that is not whole any more', async () => {
    const { disk, open } = faultyStorage();
    await fill(await open(), 3);
    const bytes = disk.files().get(SEGMENT)!;
    const offsets = new Offsets(1);
    for (let sequence = 1; sequence <= 3; sequence += 1) {
      offsets.push(bytes.indexOf(`{"sequence":${sequence},`));
    }
    const readerOf = (rotten: Buffer) =>
      createLogReader({
        paths: dataPaths(ROOT),
        sealed: () => [],
        fileSystem: emptyDisk(new Map([[SEGMENT, rotten]])).life.fileSystem,
        active: () => ({ name: '000000000001.jsonl', offsets, bytes: bytes.length }),
      });
    const flipped = Buffer.from(bytes);
    flipped[offsets.of(3)! - 30]! ^= 1;
    const others = Buffer.from(bytes.toString().replace('{"sequence":2,', '{"sequence":5,'));
    for (const rotten of [flipped, others]) {
      const reader = readerOf(rotten);
      await expect(reader.movementsFrom(1, 3)).rejects.toThrow(/holds a damaged line/);
      await expect(reader.eventsFrom(2, 1)).rejects.toThrow(/holds a damaged line/);
      expect(await reader.movementsFrom(3, 1)).toMatchObject([{ sequence: 3 }]);
    }
    const displaced = readerOf(
      forged(bytes, (text) => text.replace('"sequence":2,', '"sequence":5,')),
    );
    await expect(displaced.movementsFrom(1, 3)).rejects.toThrow(/has not event 2 in its place/);
  });

  it('ends a page at about a megabyte', async () => {
    const { repository, service } = await faultyStorage().open();
    const operations = Array.from({ length: 4_000 }, (_, index) => ({
      type: 'AdjustStock' as const,
      storeId: 'S1',
      sku: `K${index}`,
      delta: 1,
    }));
    for (let batch = 0; batch < 4; batch += 1) {
      await service.execute({ type: 'BatchStock', operations });
    }
    expect(await repository.eventsAfter(0, 10)).toHaveLength(2);
    expect((await repository.eventsAfter(2, 10)).map(({ sequence }) => sequence)).toEqual([3, 4]);
  });

  it('shows durable events only, however reads and writes fall together', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const disk = createSimulatedDisk(createSeededRandom(seed));
      const storage = await faultyStorage(disk).open({ policy: BUSY_POLICY });
      const writing = { now: true };
      const written = Promise.all([fill(storage, 20), storage.adjust('D', 1)]).finally(
        () => (writing.now = false),
      );
      while (writing.now) {
        await nextTurn();
        const last = storage.repository.durableSequence();
        const page = await storage.repository.eventsAfter(Math.max(0, last - 3), 2);
        expect(page.length).toBeLessThanOrEqual(2);
        for (const event of page) {
          expect(event.sequence).toBeLessThanOrEqual(storage.repository.durableSequence());
        }
      }
      await written;
      await quiet();
    }
  });
});
