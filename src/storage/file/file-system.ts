import { StorageFatalError } from './errors.js';

/**
 * The narrow port to the disk: all that storage does to files goes through it, so that a test can
 * stand a failing or a simulated disk in its place. Paths are absolute.
 */
export interface FileSystem {
  /** Opens for reading and appending; makes the file (mode 0600) where there is none. */
  openAppend(path: string): Promise<OpenFile>;
  /** Makes a new file; rejects with EEXIST where there is one. */
  create(path: string): Promise<OpenFile>;
  openRead(path: string): Promise<OpenFile>;
  /** Atomically replaces `to`. Durable only after `syncDirectory`. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes the directory (mode 0700) and those above it. */
  makeDirectory(path: string): Promise<void>;
  /** The names in a directory, in no order; rejects with ENOENT where there is none. */
  list(path: string): Promise<readonly string[]>;
  /** Makes creations, renames and removals in this directory durable. */
  syncDirectory(path: string): Promise<void>;
}

export interface OpenFile {
  /** Reads up to `buffer.length` bytes from `position`; resolves with how many; 0: the end. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Appends; resolves with how many bytes were taken, which may be fewer than were given. */
  append(bytes: Uint8Array): Promise<number>;
  /**
   * Resolves when all that was appended is on disk. After a rejection nothing is known of the
   * file's new bytes, and asking again would lie.
   */
  dataSync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/** The `code` of a system error, such as ENOSPC. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The whole file; only for files whose size is bounded. */
export async function readWhole(fileSystem: FileSystem, path: string): Promise<Buffer> {
  const file = await fileSystem.openRead(path);
  try {
    const bytes = Buffer.allocUnsafe(await file.size());
    const read = await readFully(file, bytes, 0);
    return bytes.subarray(0, read);
  } finally {
    await file.close();
  }
}

/** Reads until the buffer is full or the file ends; resolves with how many bytes that were. */
export async function readFully(
  file: OpenFile,
  buffer: Uint8Array,
  position: number,
): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    const read = await file.read(buffer.subarray(filled), position + filled);
    if (read === 0) break;
    filled += read;
  }
  return filled;
}

/** Appends all of it, however short the single writes turn out. */
export async function appendFully(file: OpenFile, bytes: Uint8Array): Promise<void> {
  let written = await file.append(bytes);
  while (written < bytes.length) written += await file.append(bytes.subarray(written));
}

/** A sync that failed is never asked again: what it covered is lost to us, and so are we. */
export async function syncOrDie(sync: () => Promise<void>, what: string): Promise<void> {
  try {
    await sync();
  } catch (error) {
    throw new StorageFatalError(`sync of ${what} failed`, { cause: error });
  }
}

/** Makes a file of these bytes, durably; one that is there is in the way of nothing yet. */
export async function writeNewFile(
  fileSystem: FileSystem,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  await removeIfThere(fileSystem, path);
  const file = await fileSystem.create(path);
  try {
    await appendFully(file, bytes);
    await syncOrDie(() => file.dataSync(), path);
  } finally {
    await file.close();
  }
}

/** Puts a whole file in place: before, the old one is there; after, the new one is, durably. */
export async function replaceFile(
  fileSystem: FileSystem,
  path: { readonly directory: string; readonly name: string },
  bytes: Uint8Array,
): Promise<void> {
  const target = `${path.directory}/${path.name}`;
  const temporary = `${target}.new`;
  await writeNewFile(fileSystem, temporary, bytes);
  await fileSystem.rename(temporary, target);
  await syncOrDie(() => fileSystem.syncDirectory(path.directory), path.directory);
}

export async function removeIfThere(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.remove(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}
