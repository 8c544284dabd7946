import * as fs from 'node:fs';
import { tryDowngradeLock, tryLock, tryUpgradeLock, unlock } from 'fs-native-extensions';
import { errorCode } from './file-system.js';

/**
 * A lock of the kernel on a file that is for nothing else. The kernel lets go of it when the
 * process ends, however it ends, after its last write. It keeps processes apart, not the tasks of
 * one process: the same lock may be taken twice.
 */
export interface KernelLock {
  tryExclusive(): boolean;
  tryShared(): boolean;
  /** Exclusive to shared, with nobody in between. */
  downgrade(): boolean;
  /** Shared to exclusive; false while others share it, and then it is still shared. */
  upgrade(): boolean;
  unlock(): void;
  /**
   * Whether the file is still the one that others would lock: false once somebody has removed or
   * replaced it, since the kernel would let another holder in then.
   */
  isInPlace(): boolean;
  /** What the file says, at most 256 bytes: for people; the lock holds without it. */
  readNote(): string;
  writeNote(note: string): void;
  /** Lets go, and of the file, too. */
  close(): void;
}

const NOTE_BYTES = 256;

export function openKernelLock(path: string): KernelLock {
  // 'a+': a lock wants a writable descriptor, and the note must survive our opening the file. A
  // plain descriptor: a FileHandle that is collected would drop the lock.
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
        return false; // whatever it is that keeps us from looking
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
        // No room, say.
        if (errorCode(error) === undefined) throw error;
      }
    },
    close: () => fs.closeSync(descriptor),
  };
}
