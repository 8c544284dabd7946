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
  /** Opens for writing over what is there; makes the file (mode 0600) where there is none. */
  openOverwrite(path: string): Promise<OpenFile>;
  /** Atomically replaces `to`. Durable only after `syncDirectory`. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes the directory (mode 0700) and those above it; one that is there is left as it is. */
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
   * Only after `openOverwrite`: puts a few bytes at the start, over what is there. Not a promise: in
   * the page cache that takes a microsecond, less than to ask another thread for it.
   */
  overwrite(bytes: Uint8Array): void;
  /**
   * Resolves when all that was appended is on disk. After a rejection nothing is known of the
   * file's new bytes, and asking again would lie.
   */
  dataSync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/** The `code` of a system error, such as ENOSPC; `ERR_…` codes are defects of ours, not the system's. */
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

/** Closes where nothing depends on it any more: an error of it must not hide the one before. */
export async function closeQuietly(file: OpenFile): Promise<void> {
  await file.close().catch(() => undefined);
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
  for (let written = 0; written < bytes.length;) {
    const taken = await file.append(bytes.subarray(written));
    // The next attempt would say why, on a disk that works; this must not become an endless loop.
    if (taken === 0) throw Object.assign(new Error('a write took nothing'), { code: 'EIO' });
    written += taken;
  }
}

/** A sync that failed is never asked again: what it covered is lost to us, and so are we. */
export async function syncOrDie(sync: () => Promise<void>, what: string): Promise<void> {
  try {
    await sync();
  } catch (error) {
    throw new StorageFatalError(`sync of ${what} failed`, { cause: error });
  }
}

/**
 * A new file that is larger is synced bit by bit: a sync of the log may have to wait for all that
 * other files have waiting for the disk.
 */
const WAITING_BYTES_MAX = 2 * 1024 * 1024;

/**
 * Makes a file of these bytes (or chunks of them) whose content is durable, in place of one that is
 * there. Where there is no room for it nothing is left behind: it would keep others from theirs.
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

/** Makes a file durable as it is; an empty one where there is none. */
export async function syncFile(fileSystem: FileSystem, path: string): Promise<void> {
  const file = await fileSystem.openAppend(path);
  try {
    await syncOrDie(() => file.dataSync(), path);
  } finally {
    await closeQuietly(file);
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
