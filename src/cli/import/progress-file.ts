import * as fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { tryLock } from 'fs-native-extensions';
import { ImportError } from './import-error.js';
import {
  type Progress,
  type ProgressEntry,
  type ProgressHeader,
  encodeLine,
  parseProgress,
} from './progress-log.js';

const write = promisify(fs.write);
const fdatasync = promisify(fs.fdatasync);

type Line = ProgressHeader | ProgressEntry;

export interface ProgressFile {
  /** The content of the file when it was opened. */
  readonly found: Progress;
  /**
   * Resolves when the lines are written, so that they outlive this process; if one of them
   * announces a request, when they are synced: a result lost in a power cut is looked up again, a
   * request is not. Calls during a write share the next write and its sync.
   */
  append(lines: readonly Line[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens or creates the file and locks it; the kernel releases the lock however the process ends.
 * Throws ImportError if another import holds it, or if it is damaged.
 */
export function openProgressFile(file: string): ProgressFile {
  const descriptor = fs.openSync(file, 'a+', 0o600);
  try {
    if (!tryLock(descriptor)) throw new ImportError('another import of it is running');
    const found = parseProgress(fs.readFileSync(descriptor));
    // A torn line must not become the beginning of the next line.
    fs.ftruncateSync(descriptor, found.wholeBytes);
    syncDirectory(path.dirname(file));
    return { found, ...createGroupWriter(descriptor) };
  } catch (error) {
    fs.closeSync(descriptor);
    throw error;
  }
}

/** After a failed write or sync all further appends fail: what is on disk is unknown. */
function createGroupWriter(descriptor: number): Omit<ProgressFile, 'found'> {
  let pending: Line[] = [];
  let last = Promise.resolve();
  let next: Promise<void> | undefined;

  async function flush(): Promise<void> {
    await last;
    const lines = pending;
    pending = [];
    last = next ?? last;
    next = undefined;
    const bytes = Buffer.from(lines.map(encodeLine).join(''));
    for (let written = 0; written < bytes.length;) {
      written += (await write(descriptor, bytes, written, bytes.length - written)).bytesWritten;
    }
    if (lines.some(isAhead)) await fdatasync(descriptor);
  }

  return {
    append(lines) {
      pending.push(...lines);
      next ??= flush();
      return next;
    },
    async close() {
      await Promise.allSettled([last, next]);
      fs.closeSync(descriptor);
    },
  };
}

function isAhead(line: Line): boolean {
  return !('at' in line) || line.at === 'sent';
}

function syncDirectory(directory: string): void {
  const descriptor = fs.openSync(directory, 'r');
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}
