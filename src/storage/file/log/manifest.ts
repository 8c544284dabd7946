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
  /** First and last sequence in it; `last` is `first - 1` if it has no event. */
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
  readonly sha256: string;
  /** The crc of its last line, which the next segment's first line names as `previous`. */
  readonly lastCrc: string;
}

export interface SnapshotEntry {
  readonly file: string;
  /** The snapshot is the fold up to and including this sequence. */
  readonly sequence: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** The state of the active segment after a clean stop. */
export interface CleanMark {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly last: number;
}

/** The node that a copy was made from, and the last event that both logs have in common. */
export interface Origin {
  readonly nodeId: string;
  readonly sequence: number;
}

export interface Manifest {
  readonly format: typeof FORMAT_VERSION;
  /** Counts the manifests written to this directory. */
  readonly generation: number;
  /** Identifies this directory's data to other nodes; a wiped directory gets a new one. */
  readonly nodeId: string;
  /** Null: this directory is not a copy. */
  readonly origin: Origin | null;
  /** The last epoch that a writer opened. */
  readonly epoch: number;
  readonly sealed: readonly SealedSegment[];
  /** Oldest first; two are kept. */
  readonly snapshots: readonly SnapshotEntry[];
  /** The highest sequence known to be synced when this was written. */
  readonly durable: number;
  readonly clean: CleanMark | null;
}

/** Undefined: there is none. Rejects with DataDirectoryError if it cannot be read or used. */
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
