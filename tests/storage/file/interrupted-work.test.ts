import { describe, expect, it } from 'vitest';
import { fill, pathsIn } from './data-images.js';
import {
  BUSY_POLICY,
  EVENTS,
  type FaultyStorage,
  ROOT,
  emptyDisk,
  faultyStorage,
  linesOf,
  quiet,
  restarted,
} from './faulty-storage.js';

const SNAPSHOTS = `${ROOT}/snapshots`;
const BEFORE = 4;
const EVENTS_MORE = 26;

/** A few quiet events, then many with their rotations and snapshots; `onReady` in between. */
async function busyService(
  storage: FaultyStorage,
  onReady: () => void,
  onAcknowledged: () => void,
): Promise<void> {
  const opened = await storage.open({ policy: BUSY_POLICY });
  await fill(opened, BEFORE);
  onReady();
  for (let count = 0; count < EVENTS_MORE; count += 1) {
    await fill(opened, 1);
    onAcknowledged();
    await quiet();
  }
}

describe('rotations and snapshots', () => {
  it('follow the events, and the two newest snapshots are kept', async () => {
    const storage = faultyStorage();
    await busyService(
      storage,
      () => undefined,
      () => undefined,
    );
    const files = storage.disk.files();
    expect(pathsIn(files, EVENTS).length).toBeGreaterThan(3);
    expect(pathsIn(files, SNAPSHOTS)).toHaveLength(2);
  });

  it('seal every segment but the last, once, with its last line', async () => {
    const storage = faultyStorage();
    await busyService(
      storage,
      () => undefined,
      () => undefined,
    );
    const segments = pathsIn(storage.disk.files(), EVENTS);
    const sealsOf = (path: string) => linesOf(storage.disk, path).map(({ control }) => control);
    for (const path of segments.slice(0, -1)) {
      expect(sealsOf(path).indexOf('sealed')).toBe(sealsOf(path).length - 1);
    }
    expect(sealsOf(segments.at(-1)!)).not.toContain('sealed');
  });

  it(
    'may be interrupted at any operation, by a kill or a loss of power',
    { timeout: 240_000 },
    async () => {
      const whole = faultyStorage();
      let from = 0;
      await busyService(
        whole,
        () => (from = whole.faulty.operations.length),
        () => undefined,
      );
      const operations = whole.faulty.operations.slice(from);
      const touched = new Set(operations.map(({ name, path }) => `${name} ${path.split('/')[3]}`));
      expect(touched).toContain('rename MANIFEST.json');
      expect(touched).toContain('rename snapshots');
      expect(touched).toContain('remove snapshots');
      for (let dies = 1; dies <= operations.length; dies += 1) {
        for (const losesPower of [false, true]) {
          await interrupt({ dies, losesPower });
        }
      }
    },
  );

  it('leave no half-made snapshot behind for good', async () => {
    const first = faultyStorage();
    const { disk, faulty } = first;
    const storage = await first.open({ policy: BUSY_POLICY });
    faulty.hold({ name: 'rename', path: /snapshots/ });
    await fill(storage, 8);
    expect(pathsIn(disk.files(), SNAPSHOTS)).toEqual([expect.stringMatching(/\.new$/)]);
    disk.put(`${SNAPSHOTS}/000000000777.jsonl`, Buffer.from('an orphan'));
    const second = restarted(first);
    const again = await second.open({ policy: BUSY_POLICY });
    await fill(again, 8);
    await again.repository.close();
    const names = pathsIn(disk.files(), SNAPSHOTS);
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(name).toMatch(/0000000000\d\d\.jsonl$/);
  });
});

async function interrupt({ dies, losesPower }: { dies: number; losesPower: boolean }) {
  const first = faultyStorage(emptyDisk(undefined, dies));
  let acknowledged = BEFORE;
  void busyService(
    first,
    () => first.faulty.crashAt(dies),
    () => (acknowledged += 1),
  );
  await first.faulty.crashed;
  await quiet();
  if (losesPower) first.disk.losePower();
  const second = restarted(first);
  const storage = await second.open({ policy: BUSY_POLICY });
  const found = (await storage.events()).length;
  expect(found).toBeGreaterThanOrEqual(acknowledged);
  expect(found).toBeLessThanOrEqual(acknowledged + 1);
  // It goes on as if nothing had been: whatever was begun is finished, or begun again.
  await fill(storage, 8);
  await quiet();
  await storage.repository.close();
  expect(storage.said).toMatchObject({ warnings: [], writable: [], fatal: [] });
  expect(second.faulty.openFiles).toBe(0);
  const third = await restarted(second).open();
  expect(third.repository.recovery).toMatchObject({ clean: true, events: found + 8 });
  expect(third.said.warnings).toEqual([]);
}
