import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DataDirectoryError } from '../../../../src/storage/file/disk/errors.js';
import {
  prepareDirectory,
  takePresenceLock,
  unsafeFileSystem,
} from '../../../../src/storage/file/disk/presence-lock.js';
import { temporaryDirectory } from '../../../support/temporary-directory.js';

const HOLDER = new URL('lock-holder.ts', import.meta.url).pathname;

interface Holder {
  readonly process: ChildProcess;
  /** Its next line. */
  says(): Promise<string>;
}

function startHolder(directory: string, environment: Record<string, string> = {}): Holder {
  const child = spawn(process.execPath, ['--import', 'tsx', HOLDER, directory], {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    process: child,
    says: async () => String((await lines.next()).value),
  };
}

describe('a directory for it', () => {
  it('is made with those above it, for its user alone', () => {
    const path = `${temporaryDirectory()}/a/b`;

    expect(prepareDirectory(path)).toBe(path);
    expect(prepareDirectory(path)).toBe(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(`${path}/..`).mode & 0o777).toBe(0o700);
  });

  it.each(['/proc/inventory', '/proc/inventory/deeper', '/dev/null', '/dev/null/deeper'])(
    'cannot be made as %s, and that is said',
    (path) => {
      expect(() => prepareDirectory(path)).toThrow(/ENOENT|EEXIST|ENOTDIR|EACCES|EPERM/);
    },
  );
});

describe('the presence lock', () => {
  it('keeps a second process out, and names the pid of the first', async () => {
    const directory = temporaryDirectory();
    const first = startHolder(directory);
    expect(await first.says()).toBe('held');

    const second = startHolder(directory);
    expect(await second.says()).toMatch(
      new RegExp(`DataDirectoryError: .*in use by another server.*pid ${first.process.pid} on`),
    );
    expect(() => takePresenceLock(directory)).toThrow(DataDirectoryError);
    expect(readFileSync(`${directory}/presence.lock`, 'utf8')).toContain(`${first.process.pid}`);
  });

  it('is free as soon as its holder is gone, however it went', async () => {
    const directory = temporaryDirectory();
    const first = startHolder(directory);
    expect(await first.says()).toBe('held');
    first.process.kill('SIGKILL');
    await once(first.process, 'exit');

    const lock = takePresenceLock(directory);
    const second = startHolder(directory);
    expect(await second.says()).toContain(`pid ${process.pid}`);
    lock.release();
    expect(await startHolder(directory).says()).toBe('held');
  });

  it('notices that its file was removed, or replaced by that of another holder', async () => {
    const directory = temporaryDirectory();
    const first = startHolder(directory);
    expect(await first.says()).toBe('held');
    first.process.stdin?.write('\n');
    expect(await first.says()).toBe('still held');

    unlinkSync(`${directory}/presence.lock`);
    first.process.stdin?.write('\n');
    expect(await first.says()).toBe('lost');
    // The kernel lets another one in now: it is up to the first to stop.
    const second = takePresenceLock(directory);
    first.process.stdin?.write('\n');
    expect(await first.says()).toBe('lost');
    expect(second.isHeld()).toBe(true);
    second.release();
  });

  it('does not mind a renamed directory elsewhere, nor what stands in its file', () => {
    const directory = temporaryDirectory();
    writeFileSync(`${directory}/presence.lock`, 'not JSON at all, and longer than what follows it');
    const lock = takePresenceLock(directory);
    expect(JSON.parse(readFileSync(`${directory}/presence.lock`, 'utf8'))).toMatchObject({
      pid: process.pid,
      mode: 'exclusive',
    });
    renameSync(`${directory}/presence.lock`, `${directory}/moved.lock`);
    expect(lock.isHeld()).toBe(false);
    renameSync(`${directory}/moved.lock`, `${directory}/presence.lock`);
    expect(lock.isHeld()).toBe(true);
    lock.release();
  });

  it.each([
    [0x6969, 'NFS'],
    [0xfe534d42 | 0, 'SMB2'],
    [0x65735546, 'FUSE'],
    [0x00c36400, 'CephFS'],
    [0x01021997, '9p'],
    [0xef53, undefined],
  ])('is not taken on a file system of type %d: %s', (type, name) => {
    expect(unsafeFileSystem(type)).toBe(name);
  });

  it('belongs to the user of the service alone', () => {
    const directory = prepareDirectory(`${temporaryDirectory()}/a/b`);
    takePresenceLock(directory).release();
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(`${directory}/presence.lock`).mode & 0o777).toBe(0o600);
  });

  it('is refused with UV_USE_IO_URING=1, whose errors are not ours to see', async () => {
    const holder = startHolder(temporaryDirectory(), { UV_USE_IO_URING: '1' });
    expect(await holder.says()).toMatch(/DataDirectoryError: UV_USE_IO_URING=1 is not supported/);
  });
});
