import { describe, expect, it } from 'vitest';
import type { OpenFile } from '../../../../src/storage/file/disk/file-system.js';
import { createReadHandle } from '../../../../src/storage/file/disk/read-handle.js';
import { createFaultyFileSystem } from '../../../support/faulty-file-system.js';
import { emptyDisk, quiet } from '../faulty-storage.js';

/** Two files, and a count of what is opened and closed: a descriptor closed twice is another's. */
function twoFiles() {
  const disk = emptyDisk(new Map(['/a', '/b'].map((path) => [path, Buffer.from(path)])));
  const faulty = createFaultyFileSystem(disk.life.fileSystem);
  const count = (name: string) => faulty.operations.filter((each) => each.name === name).length;
  return { faulty, handle: createReadHandle(faulty.fileSystem), count };
}

async function contentOf(file: OpenFile): Promise<string> {
  const buffer = Buffer.alloc(2);
  await file.read(buffer, 0);
  return buffer.toString();
}

describe('the read handle', () => {
  it('opens a file once for many reads, and closes it when another is read', async () => {
    const { handle, count } = twoFiles();
    for (let read = 0; read < 3; read += 1) expect(await handle.use('/a', contentOf)).toBe('/a');
    expect([count('openRead'), count('close')]).toEqual([1, 0]);
    expect(await handle.use('/b', contentOf)).toBe('/b');
    await quiet();
    expect([count('openRead'), count('close')]).toEqual([2, 1]);
    await handle.close();
    expect(count('close')).toBe(2);
  });

  it('closes each file once, whoever of several readers comes last', async () => {
    for (const order of [
      ['/a', '/b'],
      ['/b', '/a'],
    ]) {
      const { faulty, handle, count } = twoFiles();
      const held = new Map(
        ['/a', '/b'].map((path) => [
          path,
          faulty.hold({ name: 'read', path: RegExp(`^${path}$`) }),
        ]),
      );
      const reads = ['/a', '/b', '/a'].map((path) => handle.use(path, contentOf));
      await quiet();
      for (const path of order) {
        held.get(path)!.release();
        await quiet();
      }
      expect(await Promise.all(reads)).toEqual(['/a', '/b', '/a']);
      await handle.close();
      expect(count('close')).toBe(count('openRead'));
      expect(faulty.openFiles).toBe(0);
    }
  });

  it('waits for its readers before it closes a file', async () => {
    const { faulty, handle, count } = twoFiles();
    const read = faulty.hold({ name: 'read' });
    const reading = handle.use('/a', contentOf);
    await read.reached;
    await handle.close();
    expect(count('close')).toBe(0);
    read.release();
    expect(await reading).toBe('/a');
    expect(count('close')).toBe(1);
  });

  it('does not keep a file that would not open, or would not be read', async () => {
    const { faulty, handle } = twoFiles();
    faulty.failNext({ name: 'openRead' }, 'EMFILE');
    await expect(handle.use('/a', contentOf)).rejects.toMatchObject({ code: 'EMFILE' });
    faulty.failNext({ name: 'read' }, 'EIO');
    await expect(handle.use('/a', contentOf)).rejects.toMatchObject({ code: 'EIO' });
    expect(await handle.use('/a', contentOf)).toBe('/a');
    await handle.close();
    expect(faulty.openFiles).toBe(0);
  });

  it('does not let one reader suffer from the file of another', async () => {
    const { faulty, handle } = twoFiles();
    faulty.failNext({ name: 'openRead', path: /a/ }, 'EMFILE');
    const reads = await Promise.allSettled([
      handle.use('/a', contentOf),
      handle.use('/b', contentOf),
    ]);
    expect(reads.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });
});
