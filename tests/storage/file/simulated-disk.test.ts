import { describe, expect, it } from 'vitest';
import type { OpenFile } from '../../../src/storage/file/disk/file-system.js';
import { createSeededRandom } from '../../support/seeded-random.js';
import { type SimulatedDisk, createSimulatedDisk } from '../../support/simulated-disk.js';
import { SECTOR_BYTES } from '../../support/simulated-file.js';
import { watch, quiet } from './faulty-storage.js';

const PATH = '/data/file';

/** What the file is after a power loss, over many seeds: undefined where it is not there. */
async function outcomes(
  story: (disk: SimulatedDisk) => Promise<void>,
  path = PATH,
): Promise<(Buffer | undefined)[]> {
  const found: (Buffer | undefined)[] = [];
  for (let seed = 1; seed <= 200; seed += 1) {
    const disk = createSimulatedDisk(createSeededRandom(seed));
    await disk.life.fileSystem.makeDirectory('/data');
    await disk.life.fileSystem.syncDirectory('/');
    await story(disk);
    disk.losePower();
    found.push(disk.files().get(path));
  }
  return found;
}

async function written(disk: SimulatedDisk, text: string, path = PATH): Promise<OpenFile> {
  const file = await disk.life.fileSystem.openAppend(path);
  await file.append(Buffer.from(text));
  return file;
}

function texts(found: readonly (Buffer | undefined)[]): Set<string> {
  return new Set(found.map((bytes) => bytes?.toString().replaceAll('\0', '0') ?? 'none'));
}

describe('the simulated disk', () => {
  it('keeps what was synced, file and name', async () => {
    const found = await outcomes(async (disk) => {
      await (await written(disk, 'abc')).dataSync();
      await disk.life.fileSystem.syncDirectory('/data');
    });
    expect(texts(found)).toEqual(new Set(['abc']));
  });

  it('may lose a file whose directory was not synced', async () => {
    const found = await outcomes(async (disk) => (await written(disk, 'abc')).dataSync());
    expect(texts(found)).toEqual(new Set(['abc', 'none']));
  });

  it('may keep any of the sectors that were not synced, and any size', async () => {
    const old = 'a'.repeat(SECTOR_BYTES);
    const found = await outcomes(async (disk) => {
      const file = await written(disk, old);
      await file.dataSync();
      await disk.life.fileSystem.syncDirectory('/data');
      await file.append(Buffer.from('b'.repeat(SECTOR_BYTES) + 'c'.repeat(SECTOR_BYTES)));
    });
    const shapes = texts(found.map((bytes) => bytes!));
    for (const shape of shapes) expect(shape).toMatch(/^a{512}(b*|0*)(c*|0*)$/);
    const ends = new Set([...shapes].filter((each) => each.length === 3 * SECTOR_BYTES));
    expect(ends.size).toBe(4);
    expect(new Set(found.map((bytes) => bytes!.length)).size).toBeGreaterThan(10);
  });

  it('renames wholly or not at all, and forgets it unless the directory is synced', async () => {
    const story = (synced: boolean) => async (disk: SimulatedDisk) => {
      const { fileSystem } = disk.life;
      await (await written(disk, 'old')).dataSync();
      await (await written(disk, 'new', '/data/new')).dataSync();
      await fileSystem.syncDirectory('/data');
      await fileSystem.rename('/data/new', PATH);
      if (synced) await fileSystem.syncDirectory('/data');
    };
    expect(texts(await outcomes(story(false)))).toEqual(new Set(['old', 'new']));
    expect(texts(await outcomes(story(false), '/data/new'))).toEqual(new Set(['new', 'none']));
    expect(texts(await outcomes(story(true)))).toEqual(new Set(['new']));
  });

  it('does not lose what was written by a kill', async () => {
    const disk = createSimulatedDisk(createSeededRandom(1));
    await disk.life.fileSystem.makeDirectory('/data');
    const { life } = disk;
    const file = await written(disk, 'abc');
    disk.kill();
    const late = watch(file.append(Buffer.from('d')));
    await quiet();
    expect([late.state, life.over, disk.life.over]).toEqual(['open', true, false]);
    expect(disk.files().get(PATH)!.toString()).toBe('abc');
  });

  it('shows what a failed sync has lost until the power goes, also after another sync', async () => {
    const found = await outcomes(async (disk) => {
      const file = await written(disk, 'abc');
      await disk.life.fileSystem.syncDirectory('/data');
      disk.failNextSync();
      await expect(file.dataSync()).rejects.toMatchObject({ code: 'EIO' });
      await file.dataSync();
      expect(disk.files().get(PATH)!.toString()).toBe('abc');
    });
    expect(texts(found)).toContain('');
  });

  it('takes what there is room for, then nothing', async () => {
    const disk = createSimulatedDisk(createSeededRandom(1));
    await disk.life.fileSystem.makeDirectory('/data');
    const file = await written(disk, 'abc');
    disk.room = 2;
    expect(await file.append(Buffer.from('def'))).toBe(2);
    await expect(file.append(Buffer.from('f'))).rejects.toMatchObject({ code: 'ENOSPC' });
    await file.truncate(3);
    expect(disk.room).toBe(2);
  });

  it('repeats itself from its seed', async () => {
    const story = async (disk: SimulatedDisk) => {
      const file = await written(disk, 'x'.repeat(5_000));
      file.overwrite(Buffer.from('y'.repeat(2_000)));
    };
    expect(await outcomes(story)).toEqual(await outcomes(story));
  });
});
