import * as fs from 'node:fs';
import { tryDowngradeLock, tryLock, tryUpgradeLock, unlock } from 'fs-native-extensions';
import { errorCode } from './file-system.js';

/**
 * A kernel lock on a dedicated file. The kernel releases it when the process ends, however it ends,
 * after its last write. It excludes other processes, not other tasks of this process: taking the
 * same lock twice succeeds.
 */
export interface KernelLock {
  tryExclusive(): boolean;
  tryShared(): boolean;
  /** Exclusive to shared, atomically. */
  downgrade(): boolean;
  /** Shared to exclusive; false while other processes share it: then it remains shared. */
  upgrade(): boolean;
  unlock(): void;
  /**
   * Whether the path still names the locked file. If it was removed or replaced, another process
   * can lock the new file at the same time.
   */
  isInPlace(): boolean;
  /** The content of the file, at most 256 bytes, for people: the lock does not depend on it. */
  readNote(): string;
  writeNote(note: string): void;
  /** Releases the lock and closes the file. */
  close(): void;
}

const NOTE_BYTES = 256;

export function openKernelLock(path: string): KernelLock {
  // 'a+': a lock needs a writable descriptor, and opening the file must not erase the note. A plain
  // descriptor: a garbage-collected FileHandle would drop the lock.
  const descriptor = fs.openSync(path, 'a+', 0o600);
  const { ino, dev } = fs.fstatSync(descriptor);
  return {
    tryExclusive: () => tryLock(descriptor),
    tryShared: () => tryLock(descriptor, { shared: true }),
    downgrade: () => tryDowngradeLock(descriptor),
    upgrade: () => tryUpgradeLock(descriptor),
    unlock: () => unlock(descriptor),
    isInPlace() {
      try {
        const named = fs.statSync(path);
        return named.ino === ino && named.dev === dev;
      } catch {
        return false; // whatever the error
      }
    },
    readNote() {
      const buffer = Buffer.alloc(NOTE_BYTES);
      return buffer.toString('utf8', 0, fs.readSync(descriptor, buffer, 0, NOTE_BYTES, 0));
    },
    writeNote(note) {
      try {
        fs.ftruncateSync(descriptor, 0);
        fs.writeSync(descriptor, note);
      } catch (error) {
        // A system error, such as no room.
        if (errorCode(error) === undefined) throw error;
      }
    },
    close: () => fs.closeSync(descriptor),
  };
}
