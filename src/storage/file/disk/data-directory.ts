import { DataDirectoryError } from './errors.js';
import { type FileSystem, errorCode, readWhole, syncOrDie } from './file-system.js';

/** The paths below DATA_DIR. */
export interface DataPaths {
  readonly root: string;
  readonly events: string;
  readonly snapshots: string;
  readonly quarantine: string;
  readonly watermark: string;
}

export function dataPaths(root: string): DataPaths {
  return {
    root,
    events: `${root}/events`,
    snapshots: `${root}/snapshots`,
    quarantine: `${root}/quarantine`,
    watermark: `${root}/watermark`,
  };
}

export async function makeDirectories(fileSystem: FileSystem, paths: DataPaths): Promise<void> {
  for (const path of [paths.root, paths.events, paths.snapshots, paths.quarantine]) {
    await fileSystem.makeDirectory(path);
  }
  await syncOrDie(() => fileSystem.syncDirectory(paths.root), paths.root);
}

/** Files are named by a sequence, so that their names sort in the order of their contents. */
export function fileNameOf(sequence: number): string {
  return `${String(sequence).padStart(12, '0')}.jsonl`;
}

export function sequenceOf(fileName: string): number {
  return Number(fileName.slice(0, 12));
}

/** The segments (or snapshots) of a directory in order; files with other names are ignored. */
export async function numberedFiles(fileSystem: FileSystem, path: string): Promise<string[]> {
  const names = await fileSystem.list(path);
  return names.filter((name) => /^\d{12}\.jsonl$/.test(name)).sort();
}

export function damaged(
  path: string,
  where: string,
  what: string,
  options?: ErrorOptions,
): DataDirectoryError {
  return new DataDirectoryError(`${path}, ${where}: ${what}`, options);
}

/** The error codes of a file that is missing or corrupt; other system errors may be transient. */
const READ_DAMAGE = new Set(['ENOENT', 'EIO', 'EUCLEAN', 'EBADMSG', 'EISDIR']);

/** Why a required file could not be read; undefined: the error says nothing about the file. */
export function unreadable(error: unknown): string | undefined {
  const code = errorCode(error);
  return code !== undefined && READ_DAMAGE.has(code) ? `cannot be read (${code})` : undefined;
}

/** A whole segment; rejects with DataDirectoryError if the file is missing or corrupt. */
export async function readSegment(
  fileSystem: FileSystem,
  path: string,
  first: number,
): Promise<Buffer> {
  try {
    return await readWhole(fileSystem, path);
  } catch (error) {
    const why = unreadable(error);
    if (why === undefined) throw error;
    throw damaged(path, `sequence ${first}`, why, { cause: error });
  }
}
