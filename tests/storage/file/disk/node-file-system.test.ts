import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createNodeFileSystem } from '../../../../src/storage/file/disk/node-file-system.js';
import {
  appendFully,
  readWhole,
  replaceFile,
} from '../../../../src/storage/file/disk/file-system.js';
import { temporaryDirectory } from '../../../support/temporary-directory.js';

describe('the real file system', () => {
  it('appends behind what is there, and cuts', async () => {
    const path = `${temporaryDirectory()}/file`;
    const fileSystem = createNodeFileSystem();
    writeFileSync(path, 'abc');
    const file = await fileSystem.openAppend(path);
    await appendFully(file, Buffer.from('def'));
    await file.truncate(4);
    await appendFully(file, Buffer.from('x'));
    await file.dataSync();
    expect(await file.size()).toBe(5);
    await file.close();
    expect((await readWhole(fileSystem, path)).toString()).toBe('abcdx');
  });

  it('writes over the start of a file, and nothing else of it', async () => {
    const path = `${temporaryDirectory()}/file`;
    const file = await createNodeFileSystem().openOverwrite(path);
    file.overwrite(Buffer.from('abcdef'));
    file.overwrite(Buffer.from('XY'));
    await file.close();
    expect(readFileSync(path, 'utf8')).toBe('XYcdef');
  });

  it('makes files and directories for its own user alone', async () => {
    const root = temporaryDirectory();
    const fileSystem = createNodeFileSystem();
    await fileSystem.makeDirectory(`${root}/a/b`);
    await (await fileSystem.create(`${root}/a/created`)).close();
    await (await fileSystem.openAppend(`${root}/a/appended`)).close();
    await (await fileSystem.openOverwrite(`${root}/a/overwritten`)).close();
    const modeOf = (name: string) => statSync(`${root}/a/${name}`).mode & 0o777;
    expect(['created', 'appended', 'overwritten', 'b'].map(modeOf)).toEqual([
      0o600, 0o600, 0o600, 0o700,
    ]);
    expect([...(await fileSystem.list(`${root}/a`))].sort()).toEqual([
      'appended',
      'b',
      'created',
      'overwritten',
    ]);
  });

  it('waits for a descriptor to make a directory durable by, which says nothing of the sync', async () => {
    const program = fileURLToPath(new URL('out-of-descriptors.ts', import.meta.url));
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      'ulimit -n 100 && exec "$0" "$@"',
      ...[process.execPath, '--import', 'tsx', program, temporaryDirectory()],
    ]);
    expect(JSON.parse(stdout)).toEqual({ code: 'EMFILE', wasOver: false });
  });

  it('says what it cannot do by the code of the system', async () => {
    const root = temporaryDirectory();
    const fileSystem = createNodeFileSystem();
    mkdirSync(`${root}/directory`);
    writeFileSync(`${root}/file`, '');
    const code = (expected: string) => expect.objectContaining({ code: expected }) as unknown;
    await expect(fileSystem.create(`${root}/file`)).rejects.toEqual(code('EEXIST'));
    await expect(fileSystem.openRead(`${root}/none`)).rejects.toEqual(code('ENOENT'));
    await expect(fileSystem.remove(`${root}/none`)).rejects.toEqual(code('ENOENT'));
    await expect(fileSystem.list(`${root}/none`)).rejects.toEqual(code('ENOENT'));
    await expect(fileSystem.syncDirectory(`${root}/none`)).rejects.toEqual(code('ENOENT'));
    await expect(fileSystem.openAppend(`${root}/directory`)).rejects.toEqual(code('EISDIR'));
    await fileSystem.syncDirectory(`${root}/directory`);
  });

  it('puts a file in the place of another, whole, and leaves nothing beside it', async () => {
    const root = temporaryDirectory();
    const fileSystem = createNodeFileSystem();
    writeFileSync(`${root}/file.new`, 'a leftover that is longer than the new one');
    for (const text of ['one', 'two']) {
      await replaceFile(fileSystem, { directory: root, name: 'file' }, Buffer.from(text));
      expect(readFileSync(`${root}/file`, 'utf8')).toBe(text);
    }
    expect(await fileSystem.list(root)).toEqual(['file']);
  });
});
