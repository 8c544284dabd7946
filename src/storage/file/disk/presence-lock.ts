import * as fs from 'node:fs';
import { hostname } from 'node:os';
import type { Timers } from '../../../system.js';
import { DataDirectoryError } from './errors.js';
import { errorCode } from './file-system.js';
import { type KernelLock, openKernelLock } from './kernel-lock.js';
import { makeDirectory } from './make-directory.js';

/** Magic numbers (linux/magic.h, statfs(2)) of file systems with unreliable locks or syncs. */
const UNSAFE_FILE_SYSTEMS = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB2'],
  [0xff534d42, 'CIFS'],
  [0x65735546, 'FUSE'],
  [0x00c36400, 'CephFS'],
  [0x01021997, '9p'],
  [0x5346414f, 'AFS'],
  [0x0bd00bd0, 'Lustre'],
]);

/** File systems in memory: their files outlive the process, but not the machine. */
const TYPES_IN_MEMORY = new Set([0x01021994 /* tmpfs */, 0x858458f6 /* ramfs */]);

/** How long servers wait for one that shares the directory to finish opening it. */
const OPENING_WAIT_MS = 60_000;
/** The holder writes its name just after taking the lock: until then an older name is read. */
const NAME_WAIT_MS = 500;
const POLL_MS = 20;
const LOCK_NAME = 'presence.lock';

export interface PresenceLock {
  /**
   * Whether the lock still excludes others: false once the lock file has been removed or replaced,
   * since another server may have locked a new one.
   */
  isHeld(): boolean;
  release(): void;
}

/** The presence of one of several servers; see ARCHITECTURE.md, "Several processes". */
export interface SharedPresence extends PresenceLock {
  /** No other server has the directory, and none can join before `share`: it may be repaired. */
  readonly isAlone: boolean;
  /** Lets other servers join; only while alone. */
  share(): void;
  /** True: alone (again). False: other servers are running. */
  tryAlone(): boolean;
}

type Mode = 'exclusive' | 'shared';

interface Holder {
  readonly mode: Mode | undefined;
  readonly name: string;
}

/** Creates a missing directory; resolves links, so that one directory has one name. */
export function prepareDirectory(path: string): string {
  makeDirectory(path);
  return fs.realpathSync(path);
}

/**
 * Takes the directory for this process alone. The kernel releases the lock when the process ends,
 * however it ends. Throws DataDirectoryError if another server holds it, or if locks or syncs are
 * not reliable here.
 */
export function takePresenceLock(directory: string): PresenceLock {
  const lock = openPresence(directory);
  if (!lock.tryExclusive() || !lock.isInPlace()) throw refusal(directory, lock, 'exclusive');
  writeHolder(lock, 'exclusive');
  return { isHeld: () => lock.isInPlace(), release: () => lock.close() };
}

/**
 * Takes the directory as one of several servers: alone if no other is running, and then all others
 * wait until this one shares. Rejects with DataDirectoryError if a server that does not share holds
 * it, or if a sharing one takes too long to open it.
 */
export async function takeSharedPresence(
  directory: string,
  timers: Timers,
): Promise<SharedPresence> {
  const lock = openPresence(directory);
  let isAlone = false;
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    isAlone = lock.tryExclusive();
    if (isAlone || lock.tryShared()) break;
    const isOpening = readHolder(lock).mode === 'shared';
    if (waitedMs >= (isOpening ? OPENING_WAIT_MS : NAME_WAIT_MS)) {
      throw refusal(directory, lock, 'shared');
    }
    await new Promise<void>((resolve) => void timers.after(POLL_MS, resolve));
  }
  if (!lock.isInPlace()) throw refusal(directory, lock, 'shared');
  writeHolder(lock, 'shared');
  return {
    get isAlone() {
      return isAlone;
    },
    isHeld: () => lock.isInPlace(),
    share() {
      if (!lock.downgrade()) throw new DataDirectoryError(`${directory}: its lock was lost`);
      isAlone = false;
    },
    tryAlone() {
      isAlone ||= lock.upgrade();
      return isAlone;
    },
    release: () => lock.close(),
  };
}

/**
 * Whether any server has the directory at this moment. It finds out by trying the lock; a server
 * that starts within those microseconds may be refused.
 */
export function isInUse(directory: string): boolean {
  const path = `${directory}/${LOCK_NAME}`;
  if (!fs.existsSync(path)) return false;
  let lock: KernelLock;
  try {
    lock = openKernelLock(path);
  } catch (error) {
    // A read-only file system, for example: no server can write there either.
    if (errorCode(error) === undefined) throw error;
    return false;
  }
  const isFree = lock.tryExclusive();
  lock.close();
  return !isFree;
}

function openPresence(directory: string): KernelLock {
  assertSafeFileSystem(directory);
  return openKernelLock(`${directory}/${LOCK_NAME}`);
}

function refusal(directory: string, lock: KernelLock, wanted: Mode): DataDirectoryError {
  const { mode, name } = readHolder(lock);
  lock.close();
  const inUse = `${directory} is in use by another server`;
  const known = `last known holder: ${name}`;
  if (wanted === 'shared' && mode === 'shared') {
    return new DataDirectoryError(
      `${inUse} that does not finish opening it (${known}); see its log, or stop it`,
    );
  }
  if (wanted === 'shared') {
    return new DataDirectoryError(
      `${inUse} without LOCKS_ENABLED (${known}); start that one with LOCKS_ENABLED=true, too, ` +
        'stop it, or set DATA_DIR to another directory',
    );
  }
  const shares = mode === 'shared' ? ' with LOCKS_ENABLED=true' : '';
  const join = mode === 'shared' ? 'start this one with LOCKS_ENABLED=true, too, ' : '';
  return new DataDirectoryError(
    `${inUse}${shares} (${known}); ${join}stop it first, or set DATA_DIR to another directory`,
  );
}

/** For the error message of a server that is refused. */
function writeHolder(lock: KernelLock, mode: Mode): void {
  lock.writeNote(`${JSON.stringify({ pid: process.pid, host: hostname(), mode })}\n`);
}

function readHolder(lock: KernelLock): Holder {
  try {
    const note = JSON.parse(lock.readNote()) as { pid: number; host: string; mode: Mode };
    return { mode: note.mode, name: `pid ${note.pid} on ${note.host}` };
  } catch {
    return { mode: undefined, name: 'unknown' };
  }
}

function assertSafeFileSystem(directory: string): void {
  // eslint-disable-next-line no-restricted-properties -- libuv reads this one: no setting of ours
  if (process.env['UV_USE_IO_URING'] === '1') {
    throw new DataDirectoryError('UV_USE_IO_URING=1 is not supported: unset it');
  }
  const unsafe = unsafeFileSystem(fs.statfsSync(directory).type);
  if (unsafe !== undefined) {
    throw new DataDirectoryError(
      `${directory} is on ${unsafe}, where locks and syncs do not keep their promise: ` +
        'set DATA_DIR to a directory on a local disk',
    );
  }
}

/** Whether everything in the directory is lost when the machine restarts. */
export function isInMemory(directory: string): boolean {
  return TYPES_IN_MEMORY.has(fs.statfsSync(directory).type >>> 0);
}

/** The name of an unsafe file system, by its statfs(2) type; undefined: it may be used. */
export function unsafeFileSystem(type: number): string | undefined {
  return UNSAFE_FILE_SYSTEMS.get(type >>> 0);
}
