import { DataDirectoryError } from './errors.js';
import { type FileSystem, errorCode, readWhole, syncOrDie } from './file-system.js';

/** Where everything lies below DATA_DIR. */
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

/** Files are named by a sequence, so that their names sort like their contents. */
export function fileNameOf(sequence: number): string {
  return `${String(sequence).padStart(12, '0')}.jsonl`;
}

export function sequenceOf(fileName: string): number {
  return Number(fileName.slice(0, 12));
}

/** The segments (or snapshots) of a directory in order; what we did not name is not ours. */
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

/** What the system says of a file that is gone or rotten; others of its errors may pass. */
const READ_DAMAGE = new Set(['ENOENT', 'EIO', 'EUCLEAN', 'EBADMSG', 'EISDIR']);

/** How a file that must be there could not be read; undefined: that tells nothing of the file. */
export function unreadable(error: unknown): string | undefined {
  const code = errorCode(error);
  return code !== undefined && READ_DAMAGE.has(code) ? `cannot be read (${code})` : undefined;
}

/** The whole of a segment; rejects with DataDirectoryError where the file is gone or rotten. */
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
