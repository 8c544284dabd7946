import { describe, expect, it } from 'vitest';
import { verifyLog } from '../../../../src/storage/file/recovery/verify-log.js';
import { UNFINISHED_NAME } from '../../../../src/storage/file/recovery/unfinished-copy.js';
import { type Image, imageOf } from '../data-images.js';
import { BUSY_POLICY, emptyDisk, faultyStorage, quiet } from '../faulty-storage.js';
import { COPY, copied, openedCopy } from './copies.js';

const EVENTS = 14;

async function interrupt(image: Image, dies: number, losesPower: boolean): Promise<string> {
  const disk = emptyDisk(image, dies);
  const { faulty } = faultyStorage(disk);
  faulty.crashAt(dies);
  void copied({ fileSystem: faulty.fileSystem });
  await faulty.crashed;
  await quiet();
  if (losesPower) disk.losePower();
  disk.kill();
  const { fileSystem } = disk.life;
  const names = [...disk.files().keys()].filter((path) => path.startsWith(`${COPY}/`));
  const about = `${dies}, power ${losesPower}: ${names.join(' ')}`;
  if (names.includes(`${COPY}/MANIFEST.json`)) {
    expect(await verifyLog(fileSystem, COPY), about).toMatchObject({ events: EVENTS });
    const { repository } = await openedCopy(fileSystem);
    expect(repository.recovery, about).toMatchObject({ events: EVENTS, clean: true });
    return 'whole';
  }
  await expect(verifyLog(fileSystem, COPY), about).rejects.toThrow(/has no MANIFEST.json/);
  await expect(copied({ fileSystem, from: COPY, to: '/data/other' })).rejects.toThrow(/MANIFEST/);
  if (names.length === 0) return 'nothing';
  expect(names, about).toContain(`${COPY}/${UNFINISHED_NAME}`);
  await expect(openedCopy(fileSystem), about).rejects.toThrow(/is an unfinished copy/);
  await expect(copied({ fileSystem }), about).rejects.toThrow(/is an unfinished copy/);
  return 'unfinished';
}

describe('a copy that is interrupted', () => {
  it('at any operation, by a kill or a loss of power, is whole or does not look whole', async () => {
    const image = await imageOf({ events: EVENTS, policy: BUSY_POLICY });
    const { faulty } = faultyStorage(emptyDisk(image));
    await copied({ fileSystem: faulty.fileSystem });
    const operations = faulty.operations.length;
    const found = new Map<string, number>();
    for (let dies = 1; dies <= operations; dies += 1) {
      for (const losesPower of [false, true]) {
        const end = await interrupt(image, dies, losesPower);
        found.set(end, (found.get(end) ?? 0) + 1);
      }
    }
    expect([...found.keys()].sort()).toEqual(['nothing', 'unfinished', 'whole']);
    expect(found.get('unfinished')).toBeGreaterThan(100);
  });

  it('by a full disk ends with its error', async () => {
    const image = await imageOf({ events: EVENTS, policy: BUSY_POLICY });
    for (const room of [0, 500, 2_000, 6_000]) {
      const { faulty, disk } = faultyStorage(emptyDisk(image));
      faulty.room = room;
      await expect(copied({ fileSystem: faulty.fileSystem })).rejects.toThrow(/ENOSPC/);
      expect(disk.files().has(`${COPY}/MANIFEST.json`)).toBe(false);
      expect(faulty.openFiles).toBe(0);
    }
  });
});
