import { describe, expect, it } from 'vitest';
import { DataDirectoryError } from '../../../../src/storage/file/disk/errors.js';
import { nothingSaid } from '../../../support/test-storage.js';
import {
  type Image,
  damagesOf,
  fill,
  forged,
  imageOf,
  linesIn,
  onLines,
  pathsIn,
  segmentsOf,
  startedFrom,
  withFiles,
} from '../data-images.js';
import { BUSY_POLICY, EVENTS, ROOT, SEGMENT, faultyStorage, quiet } from '../faulty-storage.js';

const WATERMARK = `${ROOT}/watermark`;
const SNAPSHOTS = `${ROOT}/snapshots`;

async function expectRefused(image: Image, ...named: RegExp[]): Promise<void> {
  const error: unknown = await startedFrom(image)
    .open()
    .catch((each: unknown) => each);
  expect(error).toBeInstanceOf(DataDirectoryError);
  for (const pattern of named) expect((error as Error).message).toMatch(pattern);
}

/** Lines 1 to 7 of the active segment: boot, then events 1 to 6. */
const EVENT_3 = 3;

describe('damage in the active segment', () => {
  describe.each(damagesOf(EVENT_3))('$name', ({ on }) => {
    it('below what was acknowledged is refused, naming file, line and sequence', async () => {
      const image = await imageOf({ events: 6 });
      const damaged = withFiles(image, { [SEGMENT]: on(image.get(SEGMENT)!) });
      // A line that is there twice breaks the file where it is read again, one line later.
      await expectRefused(damaged, /000000000001\.jsonl/, /line [45]/, /sequence [34]/);
      await expectRefused(damaged, /events up to 6 were acknowledged/);
    });

    it('is found without the watermark, by what the lines behind it say', async () => {
      const image = await imageOf({ events: 6 });
      const damaged = withFiles(image, {
        [SEGMENT]: on(image.get(SEGMENT)!),
        [WATERMARK]: undefined,
      });
      await expectRefused(damaged, /000000000001\.jsonl/, /line [45]/, /sequence [34]/);
      await expectRefused(damaged, /events up to 5 were acknowledged/);
    });

    it('after a clean stop is refused', async () => {
      const image = await imageOf({ events: 6, clean: true });
      const damaged = withFiles(image, { [SEGMENT]: on(image.get(SEGMENT)!) });
      await expectRefused(damaged, /000000000001\.jsonl/, /line [45]/);
    });
  });

  it('that cut it short is refused, wherever', async () => {
    for (const clean of [false, true]) {
      const image = await imageOf({ events: 6, clean });
      const whole = image.get(SEGMENT)!;
      for (let length = 0; length < whole.length; length += 7) {
        const cut = withFiles(image, { [SEGMENT]: whole.subarray(0, length) });
        await expectRefused(cut, /000000000001\.jsonl/, /sequence \d/);
      }
    }
  });

  it('is found by lines inside of other lines', async () => {
    // given a damaged newline: the last two lines are one, and only the second knows event 5 durable
    const image = await imageOf({ events: 6 });
    const merged = onLines((lines) => {
      const [fifth, sixth] = lines.slice(-2).map((line) => Buffer.from(line));
      fifth![fifth!.length - 1] = 0x2c;
      return [...lines.slice(0, -2), fifth!, sixth!];
    });
    const damaged = withFiles(image, {
      [SEGMENT]: merged(image.get(SEGMENT)!),
      [WATERMARK]: undefined,
    });
    await expectRefused(damaged, /line 6/, /sequence 5/, /events up to 5 were acknowledged/);
  });

  it('is found by a last line whose own newline is gone', async () => {
    const image = await imageOf({ events: 6 });
    const damaged = withFiles(image, {
      [SEGMENT]: onLines((lines) => [...lines.slice(0, -2), lines.at(-1)!.subarray(0, -1)])(
        image.get(SEGMENT)!,
      ),
      [WATERMARK]: undefined,
    });
    await expectRefused(damaged, /sequence 5/, /events up to 5 were acknowledged/);
  });

  it('is refused where the file is gone', async () => {
    for (const clean of [false, true]) {
      const image = await imageOf({ events: 6, clean });
      await expectRefused(
        withFiles(image, { [SEGMENT]: undefined }),
        /000000000001\.jsonl/,
        /miss/,
      );
    }
  });

  it('after a clean stop is refused even where it only adds to it', async () => {
    const image = await imageOf({ events: 6, clean: true });
    const longer = Buffer.concat([image.get(SEGMENT)!, Buffer.from('\n')]);
    await expectRefused(
      withFiles(image, { [SEGMENT]: longer }),
      /changed since the last clean stop/,
    );
  });

  it('is refused where the file is that of an earlier time', async () => {
    const early = await imageOf({ events: 3 });
    const late = await imageOf({ events: 6 });
    const mixed = withFiles(late, { [SEGMENT]: early.get(SEGMENT) });
    await expectRefused(mixed, /the file ends, but events up to 6 were acknowledged/);
  });

  it('is refused where only the manifest knows of what is gone', async () => {
    // given a start that made everything durable, and nothing since
    const first = startedFrom(await imageOf({ events: 6 }));
    await first.open();
    const image = first.disk.files();
    // when it is cut short, and the watermark is lost
    const cut = onLines((lines) => lines.slice(0, 4))(image.get(SEGMENT)!);
    await expectRefused(
      withFiles(image, { [SEGMENT]: cut, [WATERMARK]: undefined }),
      /the file ends, but events up to 6 were acknowledged/,
    );
  });

  it('is refused where a line is that of another log', async () => {
    const image = await imageOf({ events: 6 });
    const { disk, open } = faultyStorage();
    const other = await open();
    for (let count = 0; count < 6; count += 1) await other.adjust('A', 1, `other-${count}`);
    const stranger = linesIn(disk.files().get(SEGMENT)!)[EVENT_3]!;
    const mixed = onLines((lines) => lines.map((line, at) => (at === EVENT_3 ? stranger : line)));
    const damaged = withFiles(image, { [SEGMENT]: mixed(image.get(SEGMENT)!) });
    await expectRefused(damaged, /line 4 continues \w+, not \w+/, /sequence 3/);
  });

  it('after a clean stop is refused even where it is in no event', async () => {
    const first = startedFrom(await imageOf({ events: 3, clean: true }));
    await (await first.open()).repository.close();
    const image = first.disk.files();
    const lines = linesIn(image.get(SEGMENT)!);
    const last = lines.at(-1)!;
    expect(last.toString()).toMatch(/^\{"control":"boot"/);
    const flipped = Buffer.from(image.get(SEGMENT)!);
    flipped[flipped.length - 30]! ^= 1;
    await expectRefused(withFiles(image, { [SEGMENT]: flipped }), /line 5/, /last clean stop/);
  });

  it.each([
    ['a sequence', /"sequence":4/, '"sequence":5', /line 5 has sequence 5, expected 4/],
    ['the order of time', /("sequence":4.*"at":")2026/, '$12025', /line 5 goes back in time/],
    ['a version', /("sequence":4.*"version":)2/, '$13', /line 5 breaks the one rule/],
    ['a quantity', /("sequence":4.*"onHand":)2/, '$13', /line 5 breaks the one rule/],
    ['a key', /("sequence":4.*"key":")key-4/, '$1key-3', /line 5 breaks the one rule/],
  ])('is refused where all checksums are right, but %s is wrong', async (_, from, to, what) => {
    const image = await imageOf({ events: 6 });
    const bytes = forged(image.get(SEGMENT)!, (text) => text.replace(from, to));
    await expectRefused(withFiles(image, { [SEGMENT]: bytes }), what, /sequence 4/);
  });

  it('of a watermark alone does not matter', async () => {
    const image = await imageOf({ events: 6 });
    const bytes = image.get(WATERMARK)!;
    const flipped = Buffer.from(bytes);
    flipped[12]! ^= 1;
    for (const watermark of [undefined, Buffer.alloc(0), Buffer.alloc(64), flipped]) {
      const { events } = await startedFrom(withFiles(image, { [WATERMARK]: watermark })).open();
      expect(await events()).toHaveLength(6);
    }
  });
});

/** Several sealed segments and two snapshots, the last segments behind the newest of them. */
async function longImage(clean = false): Promise<Image> {
  const image = await imageOf({ events: 60, policy: BUSY_POLICY, clean });
  expect(segmentsOf(image).length).toBeGreaterThan(4);
  expect(pathsIn(image, SNAPSHOTS)).toHaveLength(2);
  return image;
}

function withoutSnapshots(image: Image): Image {
  return withFiles(
    image,
    Object.fromEntries(pathsIn(image, SNAPSHOTS).map((path) => [path, undefined])),
  );
}

describe('damage in a sealed segment', () => {
  it('is refused while it has to be folded, naming file, line and sequence', async () => {
    const image = withoutSnapshots(await longImage());
    const second = segmentsOf(image)[1]!;
    for (const { on } of damagesOf(2)) {
      const bytes = on(image.get(second)!);
      const sameSize = bytes.length === image.get(second)!.length;
      await expectRefused(
        withFiles(image, { [second]: bytes }),
        new RegExp(second),
        sameSize ? /line [34] \(sequence \d+\)/ : /sequence \d+: has \d+ bytes, was sealed with/,
      );
    }
  });

  it('is refused even where all its lines are right, by its hash', async () => {
    const image = withoutSnapshots(await longImage());
    const [first] = segmentsOf(image);
    const bytes = forged(image.get(first!)!, (text) => text.replace('of-key-2"', 'of-key-9"'));
    const refused = withFiles(image, { [first!]: bytes });
    await expectRefused(refused, new RegExp(first!), /sequence \d+: is not what was sealed/);
  });

  it('of a wrong size is refused at once, also behind a snapshot', async () => {
    const image = await longImage();
    for (const path of segmentsOf(image).slice(0, -1)) {
      const bytes = image.get(path)!;
      const wrong = [bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.from('\n')])];
      for (const each of wrong) {
        await expectRefused(
          withFiles(image, { [path]: each }),
          new RegExp(path),
          /was sealed with/,
        );
      }
      await expectRefused(withFiles(image, { [path]: undefined }), new RegExp(path), /missing/);
    }
  });

  it('behind a snapshot is found in the background, and stops the writes', async () => {
    const image = await longImage();
    const [oldest] = segmentsOf(image);
    const bytes = Buffer.from(image.get(oldest!)!);
    bytes[200]! ^= 1;
    const { adjust, repository, said, system } = await startedFrom(
      withFiles(image, { [oldest!]: bytes }),
    ).open();
    await quiet();
    expect(said.writable).toMatchObject([{ message: expect.stringContaining(oldest!) as string }]);
    await expect(adjust('A', 1)).rejects.toMatchObject({ code: 'storage-unavailable' });
    expect((await repository.event(60)).sequence).toBe(60);
    system.advance(3_600_000);
    await expect(adjust('A', 1)).rejects.toMatchObject({ code: 'storage-unavailable' });
    expect(said.writable).toHaveLength(1);
  });

  it('behind a snapshot is found in the background where it cannot be read, too', async () => {
    const image = await longImage();
    const { faulty, open } = startedFrom(image);
    const reading = faulty.hold({ name: 'read', path: /events\/000000000001\.jsonl/ });
    const { adjust, said } = await open();
    await reading.reached;
    faulty.failNext({ name: 'read', path: /events\/000000000001\.jsonl/ }, 'EIO');
    reading.release();
    await quiet();
    expect(said.writable).toMatchObject([{ message: expect.stringContaining('EIO') as string }]);
    await expect(adjust('A', 1)).rejects.toMatchObject({ code: 'storage-unavailable' });
  });

  it('is found when the next snapshot is made, and stops the writes', async () => {
    const { disk, faulty, open } = faultyStorage();
    const storage = await open({ policy: BUSY_POLICY });
    const checking = faulty.hold({ name: 'openRead', path: /events/ });
    await fill(storage, 6);
    await checking.reached;
    const rotten = Buffer.from(disk.files().get(SEGMENT)!);
    rotten[300]! ^= 1;
    disk.put(SEGMENT, rotten);
    checking.release();
    await quiet();
    const { writable, snapshots, warnings } = storage.said;
    expect(writable).toMatchObject([
      { message: expect.stringMatching(/jsonl .*is not what was sealed/) as string },
    ]);
    expect([snapshots, warnings]).toEqual([[], []]);
    await expect(fill(storage, 1)).rejects.toMatchObject({ code: 'storage-unavailable' });
  });

  it('behind a snapshot does not make a reader turn in circles, nor give it another event', async () => {
    const image = await longImage();
    const [oldest] = segmentsOf(image);
    const whole = image.get(oldest!)!;
    const lines = linesIn(whole);
    const withoutNewline = async (at: number) => {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 1;
      return (await startedFrom(withFiles(image, { [oldest!]: bytes })).open()).repository;
    };
    const second = lines[0]!.length + lines[1]!.length + lines[2]!.length - 1;
    await expect((await withoutNewline(second)).eventsAfter(1, 3)).rejects.toThrow(/damaged/);
    const last = await withoutNewline(whole.length - 1);
    expect((await last.eventsAfter(1, 3)).map(({ sequence }) => sequence)).toEqual([2, 3, 4]);
  });
});

describe('a file that does not belong there', () => {
  it('is refused where it could be a segment with events', async () => {
    const image = await longImage();
    const stranger = `${EVENTS}/000000000999.jsonl`;
    await expectRefused(
      withFiles(image, { [stranger]: Buffer.from('x') }),
      /999/,
      /not in the man/,
    );
    for (const [path, bytes] of [
      [stranger, Buffer.alloc(0)],
      [`${EVENTS}/000000000001.jsonl.new`, Buffer.from('half a segment')],
      [`${EVENTS}/notes.txt`, Buffer.from('x')],
    ] as const) {
      const { repository } = await startedFrom(withFiles(image, { [path]: bytes })).open();
      expect(repository.recovery.events).toBe(60);
    }
  });
});

describe('a damaged snapshot', () => {
  it('is passed over for the one before, loudly; then for the whole log', async () => {
    const image = await longImage();
    const [older, newer] = pathsIn(image, SNAPSHOTS);
    const flipped = (path: string) => {
      const bytes = Buffer.from(image.get(path)!);
      bytes[bytes.length >> 1]! ^= 1;
      return bytes;
    };
    const sequenceOf = (path: string) => Number(/(\d{12})\.jsonl$/.exec(path)?.[1]);
    const cases: [Image, warnings: number, replayed: number][] = [
      [image, 0, 60 - sequenceOf(newer!)],
      [withFiles(image, { [newer!]: flipped(newer!) }), 1, 60 - sequenceOf(older!)],
      [withFiles(image, { [newer!]: undefined }), 1, 60 - sequenceOf(older!)],
      [withFiles(image, { [newer!]: image.get(older!) }), 1, 60 - sequenceOf(older!)],
      [withFiles(image, { [newer!]: Buffer.alloc(0), [older!]: flipped(older!) }), 2, 60],
      [withoutSnapshots(image), 2, 60],
    ];
    for (const [files, warnings, replayed] of cases) {
      const said = nothingSaid();
      const { repository, events } = await startedFrom(files).open({ said });
      expect(said.warnings).toHaveLength(warnings);
      for (const warning of said.warnings) expect(warning).toMatch(/snapshot .* cannot be used/);
      expect(repository.recovery).toMatchObject({ events: 60, replayed });
      expect(await events()).toHaveLength(60);
      expect(repository.recordsOf('S1', { after: undefined, limit: 10 })).toMatchObject([
        { sku: 'A', onHand: 20 },
        { sku: 'B', onHand: 20 },
        { sku: 'C', onHand: 20 },
      ]);
    }
  });

  it('is passed over even where all its lines are right', async () => {
    const image = await longImage();
    const [, newer] = pathsIn(image, SNAPSHOTS);
    const doctored = forged(image.get(newer!)!, (text) =>
      text.replace(/"onHand":\[1/, '"onHand":[9'),
    );
    expect(doctored.length).toBe(image.get(newer!)!.length);
    const said = nothingSaid();
    const { repository } = await startedFrom(withFiles(image, { [newer!]: doctored })).open({
      said,
    });
    expect(said.warnings).toEqual([expect.stringMatching(/its hash does not match/)]);
    expect(repository.recordsOf('S1', { after: undefined, limit: 1 })).toMatchObject([
      { sku: 'A', onHand: 20 },
    ]);
  });

  it('is one that another version wrote: it is not read, and the log is folded', async () => {
    const image = await longImage();
    const snapshots = pathsIn(image, SNAPSHOTS);
    const former = (path: string): Buffer =>
      forged(image.get(path)!, (text) => text.replace('{"snapshot":2,', '{"snapshot":1,'));
    const files = Object.fromEntries(snapshots.map((path) => [path, former(path)]));
    const said = nothingSaid();
    const { repository } = await startedFrom(withFiles(image, files)).open({ said });
    expect(said.warnings).toHaveLength(2);
    for (const warning of said.warnings) {
      expect(warning).toMatch(/cannot be used \(it has format 1, not 2\); folding more of the log/);
    }
    expect(repository.recovery).toMatchObject({ events: 60, replayed: 60 });
  });

  it('is replaced in time: two good ones are there again', async () => {
    const image = await longImage();
    const [, newer] = pathsIn(image, SNAPSHOTS);
    const { disk, open } = startedFrom(withFiles(image, { [newer!]: Buffer.from('rot') }));
    const storage = await open({ policy: BUSY_POLICY });
    await fill(storage, 40);
    await storage.repository.close();
    expect(pathsIn(disk.files(), SNAPSHOTS)).toHaveLength(2);
    const said = nothingSaid();
    await startedFrom(disk.files()).open({ said });
    expect(said.warnings).toEqual([]);
  });
});
