import * as fs from 'node:fs';
import { hostname } from 'node:os';
import { tryLock } from 'fs-native-extensions';
import { DataDirectoryError } from './errors.js';
import { errorCode } from './file-system.js';

/** Statfs magic numbers (linux/magic.h, statfs(2)) of file systems whose locks or syncs deceive. */
const UNSAFE_FILE_SYSTEMS = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB2'],
  [0xff534d42, 'CIFS'],
  [0x65735546, 'FUSE'],
]);

export interface PresenceLock {
  /**
   * Whether the lock still keeps others out: false once somebody has removed or replaced the lock
   * file, since another server may have locked a new one.
   */
  isHeld(): boolean;
  release(): void;
}

/** Makes the directory where there is none; resolves links, so that one directory has one name. */
export function prepareDirectory(path: string): string {
  fs.mkdirSync(path, { recursive: true, mode: 0o700 });
  return fs.realpathSync(path);
}

/**
 * Takes the directory for this process. The kernel lets go of the lock when the process ends,
 * however it ends. Throws DataDirectoryError where another server holds it, or where this machine
 * cannot keep what a lock or a sync promises.
 */
export function takePresenceLock(directory: string): PresenceLock {
  assertSafeFileSystem(directory);
  const path = `${directory}/presence.lock`;
  // 'a+': the lock wants a writable descriptor, and the holder's name must survive our opening it.
  const descriptor = fs.openSync(path, 'a+', 0o600);
  const { ino, dev } = fs.fstatSync(descriptor);
  // A lock file that was removed and made anew would have two holders: compare the inodes.
  const isHeld = (): boolean => {
    const named = fs.statSync(path, { throwIfNoEntry: false });
    return named?.ino === ino && named.dev === dev;
  };
  if (!tryLock(descriptor) || !isHeld()) {
    const holder = readHolder(descriptor);
    fs.closeSync(descriptor);
    throw new DataDirectoryError(
      `${directory} is in use by another server (last known holder: ${holder}); ` +
        'stop it first, or set DATA_DIR to another directory',
    );
  }
  writeHolder(descriptor);
  return { isHeld, release: () => fs.closeSync(descriptor) };
}

/** For the message to a second server; the lock holds without it, also where there is no room. */
function writeHolder(descriptor: number): void {
  const holder = { pid: process.pid, host: hostname(), mode: 'exclusive' };
  try {
    fs.ftruncateSync(descriptor, 0);
    fs.writeSync(descriptor, `${JSON.stringify(holder)}\n`);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}

function readHolder(descriptor: number): string {
  const buffer = Buffer.alloc(256);
  const text = buffer.toString('utf8', 0, fs.readSync(descriptor, buffer, 0, 256, 0));
  try {
    const { pid, host } = JSON.parse(text) as { pid: number; host: string };
    return `pid ${pid} on ${host}`;
  } catch {
    return 'unknown';
  }
}

function assertSafeFileSystem(directory: string): void {
  // eslint-disable-next-line no-restricted-properties -- libuv reads this one: no setting of ours
  if (process.env['UV_USE_IO_URING'] === '1') {
    throw new DataDirectoryError('UV_USE_IO_URING=1 is not supported: unset it');
  }
  const unsafe = UNSAFE_FILE_SYSTEMS.get(fs.statfsSync(directory).type >>> 0);
  if (unsafe !== undefined) {
    throw new DataDirectoryError(
      `${directory} is on ${unsafe}, where locks and syncs do not keep their promise: ` +
        'set DATA_DIR to a directory on a local disk',
    );
  }
}
