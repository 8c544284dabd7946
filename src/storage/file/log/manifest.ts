/**
 * MANIFEST.json: one JSON object, replaced atomically, with its own CRC like a log line's:
 *
 *   {"format":1,"generation":7,"nodeId":"…","origin":{…}|null,"epoch":5,"sealed":[…],
 *    "snapshots":[…],"durable":812,"clean":{…}|null,"crc":"…"}
 */
import { errorCode, readWhole, replaceFile, type FileSystem } from '../disk/file-system.js';
import { DataDirectoryError } from '../disk/errors.js';
import { crcText, hasValidCrc, lineEnd } from '../format/record-format.js';

export const FORMAT_VERSION = 1;
export const MANIFEST_NAME = 'MANIFEST.json';

export interface SealedSegment {
  readonly file: string;
  /** First and last sequence in it; `last` is `first - 1` where it has no event. */
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
  readonly sha256: string;
  /** The crc of its last line: what the next segment's first line continues. */
  readonly lastCrc: string;
}

export interface SnapshotEntry {
  readonly file: string;
  /** The fold up to and with this sequence. */
  readonly sequence: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** How the active segment stood when the last stop was clean. */
export interface CleanMark {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly last: number;
}

/** What a copy was made of: up to this sequence both logs are the same, and no further. */
export interface Origin {
  readonly nodeId: string;
  readonly sequence: number;
}

export interface Manifest {
  readonly format: typeof FORMAT_VERSION;
  /** Counts the manifests written here. */
  readonly generation: number;
  /** Names this directory's inventory for other nodes: a wiped directory is another one. */
  readonly nodeId: string;
  /** Null: this directory began empty. */
  readonly origin: Origin | null;
  /** The last epoch that a writer opened. */
  readonly epoch: number;
  readonly sealed: readonly SealedSegment[];
  /** Oldest first; two are kept. */
  readonly snapshots: readonly SnapshotEntry[];
  /** Known to be synced when this was written. */
  readonly durable: number;
  readonly clean: CleanMark | null;
}

/** Undefined: there is none. Rejects with DataDirectoryError where it cannot be read as it is. */
export async function loadManifest(
  fileSystem: FileSystem,
  directory: string,
): Promise<Manifest | undefined> {
  const path = `${directory}/${MANIFEST_NAME}`;
  let bytes: Buffer;
  try {
    bytes = await readWhole(fileSystem, path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new DataDirectoryError(`${path} cannot be read`, { cause: error });
  }
  if (bytes.at(-1) !== 0x0a || !hasValidCrc(bytes.subarray(0, -1))) {
    throw new DataDirectoryError(`${path} is damaged (its checksum does not match)`);
  }
  const read = JSON.parse(bytes.toString('utf8')) as Omit<Manifest, 'origin'> & Partial<Manifest>;
  const manifest: Manifest = { ...read, origin: read.origin ?? null };
  if ((manifest.format as number) !== FORMAT_VERSION) {
    const found = String(manifest.format);
    throw new DataDirectoryError(
      `${path} has format ${found}, this version reads format ${FORMAT_VERSION}`,
    );
  }
  return manifest;
}

export async function saveManifest(
  fileSystem: FileSystem,
  directory: string,
  manifest: Manifest,
): Promise<void> {
  const { format, generation, nodeId, origin, epoch, sealed, snapshots, durable, clean } = manifest;
  const ordered = { format, generation, nodeId, origin, epoch, sealed, snapshots, durable, clean };
  const text = JSON.stringify(ordered).slice(0, -1);
  const crc = crcText(Buffer.from(text));
  const bytes = Buffer.from(text + lineEnd(crc));
  await replaceFile(fileSystem, { directory, name: MANIFEST_NAME }, bytes);
}
