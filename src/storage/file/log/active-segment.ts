import { createHash, type Hash } from 'node:crypto';
import { StorageFatalError } from '../disk/errors.js';
import { type OpenFile, appendFully, syncOrDie } from '../disk/file-system.js';
import { Offsets } from '../format/offsets.js';

/** The segment that is being appended to: how far it is durable, and the hash of that part. */
export interface ActiveSegment {
  readonly name: string;
  readonly file: OpenFile;
  readonly offsets: Offsets;
  readonly hash: Hash;
  /** Bytes known to be durable. */
  bytes: number;
  /** The crc of the last durable line, which the next line names as `previous`. */
  lastCrc: string;
  /** Its last durable line is a seal: nothing follows. */
  sealed: boolean;
}

export function newSegment(
  name: string,
  file: OpenFile,
  start: { readonly first: number; readonly lastCrc: string },
): ActiveSegment {
  const { first, lastCrc } = start;
  const hash = createHash('sha256');
  return { name, file, offsets: new Offsets(first), hash, bytes: 0, lastCrc, sealed: false };
}

export function sha256Of(segment: ActiveSegment): string {
  return segment.hash.copy().digest('hex');
}

/**
 * Appends and syncs. Rejects with StorageFatalError if the sync failed or the segment could not be
 * cut back; with the write's own error once it has been cut back, durably: nothing was added.
 */
export async function appendDurably(
  segment: ActiveSegment,
  bytes: Uint8Array,
  lastCrc: string,
): Promise<void> {
  try {
    await appendFully(segment.file, bytes);
  } catch (error) {
    await cutBack(segment);
    throw error;
  }
  await syncOrDie(() => segment.file.dataSync(), segment.name);
  segment.hash.update(bytes);
  segment.bytes += bytes.length;
  segment.lastCrc = lastCrc;
}

/** Truncates the segment, durably, to the bytes that are known to be durable. */
export async function cutBack(segment: ActiveSegment): Promise<void> {
  try {
    await segment.file.truncate(segment.bytes);
    await segment.file.dataSync();
  } catch (error) {
    throw new StorageFatalError(`${segment.name} could not be cut back`, { cause: error });
  }
}
