import { describe, expect, it } from 'vitest';
import { DataDirectoryError } from '../../../../src/storage/file/disk/errors.js';
import { stockKey } from '../../../../src/domain/keys.js';
import { type Image, fill, imageOf, linesIn, startedFrom, withFiles } from '../data-images.js';
import {
  MANIFEST,
  ROOT,
  SEGMENT,
  bytesOf,
  emptyDisk,
  faultyStorage,
  linesOf,
  quiet,
  restarted,
} from '../faulty-storage.js';

const B = stockKey({ storeId: 'S1', sku: 'B' });
const LATER_MS = 2_000;

/** Opens what is there, expecting exactly these events; then it must take more, and start again. */
async function expectEvents(image: Image, count: number): Promise<void> {
  const first = startedFrom(image);
  const storage = await first.open();
  expect(await storage.events()).toHaveLength(count);
  await fill(storage, 2);
  await storage.repository.close();
  const again = await restarted(first).open();
  expect(await again.events()).toHaveLength(count + 2);
}

describe('a start', () => {
  it('makes a fresh directory where there is nothing', async () => {
    const { disk, open } = faultyStorage();
    const { repository, events } = await open();
    expect(repository.recovery).toMatchObject({ events: 0, records: 0, clean: false, epoch: 1 });
    expect(await events()).toEqual([]);
    expect([...disk.files().keys()].sort()).toEqual([MANIFEST, SEGMENT, `${ROOT}/watermark`]);
  });

  it('takes an empty segment without a manifest as fresh: the first start came no further', async () => {
    const { open } = startedFrom(new Map([[SEGMENT, Buffer.alloc(0)]]));
    expect((await open()).repository.recovery.events).toBe(0);
  });

  it('goes on after a clean stop', async () => {
    const image = await imageOf({ events: 5, clean: true });
    const { repository, events } = await startedFrom(image).open();
    expect(repository.recovery).toMatchObject({ clean: true, events: 5, tornBytes: 0, epoch: 2 });
    expect(repository.record(B)).toMatchObject({ onHand: 2, version: 2, sequence: 4 });
    expect(await events()).toHaveLength(5);
    await expectEvents(image, 5);
  });

  it('does not rewrite the segment of a clean stop, and that of any other it does', async () => {
    for (const clean of [true, false]) {
      const { faulty, open } = startedFrom(await imageOf({ events: 5, clean }));
      await open();
      const renamed = faulty.operations.some(
        ({ name, path }) => name === 'rename' && path === SEGMENT,
      );
      expect(renamed).toBe(!clean);
    }
  });

  it('clears the clean mark before it appends anything', async () => {
    const { faulty, disk, open } = startedFrom(await imageOf({ events: 5, clean: true }));
    const append = faulty.hold({ name: 'append', path: /events/ });
    void open();
    await append.reached;
    expect(JSON.parse(bytesOf(disk, MANIFEST).toString())).toMatchObject({ clean: null, epoch: 2 });
  });

  it('goes on after it was killed', async () => {
    const image = await imageOf({ events: 5 });
    const { repository } = await startedFrom(image).open();
    expect(repository.recovery).toMatchObject({ clean: false, events: 5, tornBytes: 0, epoch: 2 });
    await expectEvents(image, 5);
  });

  it('opens a new epoch each time', async () => {
    let storage = faultyStorage();
    for (let epoch = 1; epoch <= 3; epoch += 1) {
      const { repository, adjust } = await storage.open();
      expect(repository.recovery.epoch).toBe(epoch);
      await adjust('A', 1);
      storage = restarted(storage);
    }
    const epochs = linesOf(storage.disk).map((line) => [line.control ?? line.sequence, line.epoch]);
    expect(epochs).toEqual([
      ['boot', 1],
      [1, 1],
      ['boot', 2],
      [2, 2],
      ['boot', 3],
      [3, 3],
    ]);
  });

  it('goes on with record time from where the log ends', async () => {
    const first = faultyStorage();
    const { adjust, system } = await first.open();
    system.advance(3_600_000);
    await adjust('A', 1);
    const second = await restarted(first).open();
    expect(second.system.clock.wallMs()).toBeLessThan(second.repository.now());
    await second.adjust('A', 1);
    const [before, after] = await second.events();
    expect(after!.at).toBeGreaterThanOrEqual(before!.at);
  });
});

describe('a torn tail', () => {
  it('is kept in quarantine byte by byte, and cut; nothing acknowledged is lost', async () => {
    const image = await imageOf({ events: 5 });
    const good = image.get(SEGMENT)!;
    const line = linesIn(good).at(-1)!;
    for (const tail of [line.subarray(0, 1), line.subarray(0, 60), Buffer.from('\0\0\n\0'), line]) {
      const torn = withFiles(image, { [SEGMENT]: Buffer.concat([good, tail]) });
      const { disk, open } = startedFrom(torn);
      const { repository, events } = await open();
      expect(repository.recovery).toMatchObject({ tornBytes: tail.length, events: 5 });
      expect(await events()).toHaveLength(5);
      const kept = `${ROOT}/quarantine/000000000001.jsonl.from-${good.length}.epoch-2`;
      expect(bytesOf(disk, kept)).toEqual(tail);
      expect(bytesOf(disk, SEGMENT).subarray(0, good.length)).toEqual(good);
      expect(linesOf(disk).at(-1)).toMatchObject({ control: 'boot', epoch: 2 });
      await expectEvents(torn, 5);
    }
  });

  it('is never written over by another one', async () => {
    const image = await imageOf({ events: 1 });
    const good = image.get(SEGMENT)!;
    const kept = `${ROOT}/quarantine/000000000001.jsonl.from-${good.length}.epoch-2`;
    const { disk, open } = startedFrom(
      withFiles(image, {
        [SEGMENT]: Buffer.concat([good, Buffer.from('{"sequence":2')]),
        [kept]: Buffer.from('an earlier tail'),
      }),
    );
    await open();
    expect(bytesOf(disk, kept).toString()).toBe('an earlier tail');
    expect(bytesOf(disk, `${kept}.2`).toString()).toBe('{"sequence":2');
  });

  it('may hold whole events that nobody was promised: they stay', async () => {
    // given a batch of two that was written, and its second line torn
    const first = faultyStorage();
    const { adjust } = await first.open();
    await adjust('A', 1);
    const sync = first.faulty.hold({ name: 'dataSync', path: /events/ });
    void adjust('A', 1);
    void adjust('A', 1);
    await sync.reached;
    const written = bytesOf(first.disk, SEGMENT);
    first.disk.put(SEGMENT, written.subarray(0, -10));
    // when it starts again
    const { repository, events } = await restarted(first).open();
    // then the first of the two is there, durably
    expect(await events()).toHaveLength(2);
    expect(repository.durableSequence()).toBe(2);
  });
});

describe('a start without room on the disk', () => {
  const torn = async () => {
    const image = await imageOf({ events: 5 });
    const line = Buffer.from('{"sequence":6,');
    // Without a watermark the fifth event is not known to be durable: it may be in the cache only.
    return withFiles(image, {
      [SEGMENT]: Buffer.concat([image.get(SEGMENT)!, line]),
      [`${ROOT}/watermark`]: undefined,
    });
  };

  it('comes up for reading, and shows only what is known to be durable', async () => {
    const { faulty, open } = startedFrom(await torn());
    faulty.room = 0;
    const { repository, adjust, events, said } = await open();
    expect(said.writable).toMatchObject([{ code: 'ENOSPC' }]);
    expect(repository.durableSequence()).toBe(4);
    expect((await events()).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    expect((await repository.event(3)).sequence).toBe(3);
    expect(repository.record(B)).toMatchObject({ version: 2 });
    await expect(adjust('A', 1)).rejects.toMatchObject({ code: 'storage-unavailable' });
    await repository.close();
    expect(faulty.openFiles).toBe(0);
  });

  it('heals by itself when there is room: nothing is lost, nothing is written twice', async () => {
    const first = startedFrom(await torn());
    first.faulty.room = 0;
    // Without a breaker, which would let only one of those try who come when there is room.
    const breaker = { threshold: 1, cooldownMs: 1_000, window: 100, callsMin: 100 };
    const { repository, adjust, events, system, said } = await first.open({ breaker });
    for (let attempt = 0; attempt < 5; attempt += 1) {
      system.advance(LATER_MS);
      await expect(adjust('A', 1)).rejects.toMatchObject({ code: 'storage-unavailable' });
      // The file that is read here is replaced when there is room.
      expect(await events()).toHaveLength(4);
    }
    first.faulty.room = Infinity;
    system.advance(LATER_MS);
    const answers = await Promise.all([adjust('A', 1), adjust('B', 1), adjust('A', 1)]);
    expect(answers.map((each) => each.kind === 'event' && each.event.sequence)).toEqual([6, 7, 8]);
    expect(said.writable.at(-1)).toBeUndefined();
    expect((await events()).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    await repository.close();
    const again = await restarted(first).open();
    expect(again.repository.recovery).toMatchObject({ clean: true, events: 8, epoch: 3 });
    expect(await again.events()).toHaveLength(8);
  });

  it('heals wherever the room ended', async () => {
    const image = await torn();
    for (let room = 0; room < 3_500; room += 53) {
      const { faulty, disk, open } = startedFrom(image);
      faulty.room = room;
      const { adjust, events, system, said } = await open();
      if (said.writable.length === 0) continue;
      const leftover = [...disk.files().keys()].filter((path) => path.endsWith('.new'));
      expect(leftover).toEqual([]);
      faulty.room = Infinity;
      system.advance(LATER_MS);
      await adjust('A', 1);
      expect(await events()).toHaveLength(6);
    }
  });

  it('does not wait for a start that is being repaired when it is closed', async () => {
    const { faulty, open } = startedFrom(await torn());
    faulty.room = 0;
    const { repository, adjust, system } = await open();
    system.advance(LATER_MS);
    faulty.room = Infinity;
    const repair = faulty.hold({ name: 'create', path: /MANIFEST/ });
    const answer = adjust('A', 1).catch((error: unknown) => error);
    await repair.reached;
    const closing = repository.close();
    repair.release();
    await closing;
    expect(await answer).toMatchObject({ code: 'shutting-down' });
    expect(faulty.openFiles).toBe(0);
  });

  it('cannot make a fresh directory, and says so', async () => {
    const { faulty, open } = faultyStorage();
    faulty.room = 0;
    await expect(open()).rejects.toMatchObject({ code: 'ENOSPC' });
  });
});

describe('a directory that lost its manifest', () => {
  it('is refused where a segment, a snapshot or a watermark says that there was data', async () => {
    const image = await imageOf({ events: 5 });
    const remains: Image[] = [
      withFiles(image, { [MANIFEST]: undefined }),
      new Map([[`${ROOT}/watermark`, image.get(`${ROOT}/watermark`)!]]),
      new Map([[`${ROOT}/snapshots/000000000005.jsonl`, Buffer.from('x')]]),
    ];
    for (const files of remains) {
      await expect(startedFrom(files).open()).rejects.toThrow(DataDirectoryError);
      await expect(startedFrom(files).open()).rejects.toThrow(/no MANIFEST.json/);
    }
  });

  it('is refused where the manifest is damaged, or of another format', async () => {
    const image = await imageOf({ events: 5 });
    const bytes = image.get(MANIFEST)!;
    const flipped = Buffer.from(bytes);
    flipped[20]! ^= 4;
    for (const manifest of [
      flipped,
      bytes.subarray(0, -1),
      bytes.subarray(0, 9),
      Buffer.alloc(0),
    ]) {
      const opening = startedFrom(withFiles(image, { [MANIFEST]: manifest })).open();
      await expect(opening).rejects.toThrow(/MANIFEST.json is damaged/);
    }
  });
});

describe('a start that dies', () => {
  it('with any of its operations may be repeated', { timeout: 120_000 }, async () => {
    const image = await imageOf({ events: 5 });
    const torn = withFiles(image, {
      [SEGMENT]: Buffer.concat([image.get(SEGMENT)!, Buffer.from('{"sequence":6,')]),
    });
    for (const files of [
      new Map<string, Buffer>(),
      torn,
      await imageOf({ events: 5, clean: true }),
    ]) {
      const events = files.size === 0 ? 0 : 5;
      const whole = faultyStorage(emptyDisk(files));
      await whole.open();
      const operations = whole.faulty.operations.length;
      for (let dies = 1; dies <= operations; dies += 1) {
        for (const losesPower of [false, true]) {
          const disk = emptyDisk(files, dies);
          const first = faultyStorage(disk);
          first.faulty.crashAt(dies);
          void first.open();
          await first.faulty.crashed;
          await quiet();
          if (losesPower) disk.losePower();
          const second = restarted(first);
          const storage = await second.open();
          expect(await storage.events()).toHaveLength(events);
          await fill(storage, 1);
          const third = await restarted(second).open();
          expect(await third.events()).toHaveLength(events + 1);
        }
      }
      expect(operations).toBeGreaterThan(20);
    }
  });
});
