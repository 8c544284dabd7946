import { StorageFatalError } from './errors.js';

/**
 * The narrow port to the disk, so that tests can substitute a failing or simulated disk. Everything
 * but locks, leases, `limits` and the shared watermark goes through it. Paths are absolute.
 */
export interface FileSystem {
  /** Opens for reading and appending; creates the file (mode 0600) if it does not exist. */
  openAppend(path: string): Promise<OpenFile>;
  /** Creates a file; rejects with EEXIST if it exists. */
  create(path: string): Promise<OpenFile>;
  openRead(path: string): Promise<OpenFile>;
  /** Opens for overwriting in place; creates the file (mode 0600) if it does not exist. */
  openOverwrite(path: string): Promise<OpenFile>;
  /** Atomically replaces `to`. Durable only after `syncDirectory`. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Creates the directory and missing parents (mode 0700); leaves an existing one as it is. */
  makeDirectory(path: string): Promise<void>;
  /** The names in a directory, unordered; rejects with ENOENT if it does not exist. */
  list(path: string): Promise<readonly string[]>;
  /** Makes creations, renames and removals in this directory durable. */
  syncDirectory(path: string): Promise<void>;
}

export interface OpenFile {
  /** Reads up to `buffer.length` bytes at `position`; resolves with the count; 0: end of file. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Appends; resolves with the number of bytes written, which may be fewer than given. */
  append(bytes: Uint8Array): Promise<number>;
  /**
   * Only after `openOverwrite`: overwrites a few bytes at the start of the file. Synchronous: in
   * the page cache it takes a microsecond, less than handing it to another thread.
   */
  overwrite(bytes: Uint8Array): void;
  /**
   * Resolves when everything that was appended is on disk. After a rejection the state of the new
   * bytes is unknown, and a second sync may wrongly succeed.
   */
  dataSync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/**
 * The `code` of a system error, such as ENOSPC; `ERR_…` codes are our defects, not the system's.
 */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  const { code } = error;
  return typeof code === 'string' && !code.startsWith('ERR_') ? code : undefined;
}

/** The whole file; only for files whose size is bounded. */
export async function readWhole(fileSystem: FileSystem, path: string): Promise<Buffer> {
  const file = await fileSystem.openRead(path);
  try {
    const bytes = Buffer.allocUnsafe(await file.size());
    const read = await readFully(file, bytes, 0);
    return bytes.subarray(0, read);
  } finally {
    await closeQuietly(file);
  }
}

export async function sizeOf(fileSystem: FileSystem, path: string): Promise<number> {
  const file = await fileSystem.openRead(path);
  try {
    return await file.size();
  } finally {
    await closeQuietly(file);
  }
}

/** For a file that nothing depends on any more: a failed close must not hide an earlier error. */
export async function closeQuietly(file: OpenFile): Promise<void> {
  await file.close().catch(() => undefined);
}

/** Reads until the buffer is full or the file ends; resolves with the number of bytes. */
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

/** Appends all bytes, repeating short writes. */
export async function appendFully(file: OpenFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const taken = await file.append(bytes.subarray(written));
    // A working disk would report the reason at the next attempt; but the loop must end.
    if (taken === 0) throw Object.assign(new Error('a write took nothing'), { code: 'EIO' });
    written += taken;
  }
}

/** A failed sync is never repeated: the bytes it covered may be lost, so the process must end. */
export async function syncOrDie(sync: () => Promise<void>, what: string): Promise<void> {
  try {
    await sync();
  } catch (error) {
    throw new StorageFatalError(`sync of ${what} failed`, { cause: error });
  }
}

/**
 * A larger new file is synced in parts of this size: a sync of the log may have to wait for all
 * dirty pages of other files.
 */
const WAITING_BYTES_MAX = 2 * 1024 * 1024;

/**
 * Writes a file of these chunks, with durable content; an existing one is removed first. If that
 * fails for a reason other than a failed sync, the partial file is removed: the room it takes up
 * may be needed.
 */
export async function writeNewFile(
  fileSystem: FileSystem,
  path: string,
  content: Iterable<Uint8Array>,
): Promise<void> {
  await removeIfThere(fileSystem, path);
  const file = await fileSystem.create(path);
  try {
    let waiting = 0;
    for (const bytes of content) {
      await appendFully(file, bytes);
      waiting += bytes.length;
      if (waiting < WAITING_BYTES_MAX) continue;
      await syncOrDie(() => file.dataSync(), path);
      waiting = 0;
    }
    await syncOrDie(() => file.dataSync(), path);
  } catch (error) {
    await closeQuietly(file);
    if (!(error instanceof StorageFatalError)) await fileSystem.remove(path).catch(() => undefined);
    throw error;
  }
  await closeQuietly(file);
}

/** Makes a file durable as it is; creates an empty one if it does not exist. */
export async function syncFile(fileSystem: FileSystem, path: string): Promise<void> {
  const file = await fileSystem.openAppend(path);
  try {
    await syncOrDie(() => file.dataSync(), path);
  } finally {
    await closeQuietly(file);
  }
}

/** Replaces a file atomically and durably: a crash leaves either the old or the new file. */
export async function replaceFile(
  fileSystem: FileSystem,
  path: { readonly directory: string; readonly name: string },
  bytes: Uint8Array,
): Promise<void> {
  const target = `${path.directory}/${path.name}`;
  const temporary = `${target}.new`;
  await writeNewFile(fileSystem, temporary, [bytes]);
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
