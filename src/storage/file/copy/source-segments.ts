import { createHash } from 'node:crypto';
import type { InventoryEvent } from '../../../domain/events.js';
import { type DataPaths, damaged, readSegment } from '../disk/data-directory.js';
import type { FileSystem } from '../disk/file-system.js';
import type { Manifest } from '../log/manifest.js';
import { FIRST_PREVIOUS, NEWLINE } from '../format/record-format.js';
import { scanSegment } from '../format/segment-scan.js';

/** A segment, read in full. */
export interface SegmentBytes {
  readonly path: string;
  /** Its first sequence, and the `previous` of its first line. */
  readonly start: { readonly first: number; readonly previous: string };
  readonly bytes: Buffer;
}

/** The sealed segment at this index of the manifest; rejects if its hash does not match. */
export async function readSealed(
  fileSystem: FileSystem,
  { paths, manifest }: { readonly paths: DataPaths; readonly manifest: Manifest },
  index: number,
): Promise<SegmentBytes> {
  const sealed = manifest.sealed[index];
  if (sealed === undefined) throw new RangeError(`there is no sealed segment ${index}`);
  const { file, first, last, sha256 } = sealed;
  const path = `${paths.events}/${file}`;
  const bytes = await readSegment(fileSystem, path, first);
  const previous = manifest.sealed[index - 1]?.lastCrc ?? FIRST_PREVIOUS;
  const segment = { path, start: { first, previous }, bytes };
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
    scanUpTo(segment, last, () => true); // names the damaged line, if the scan finds it
    throw damaged(path, `sequence ${first}`, 'is not what was sealed');
  }
  return segment;
}

const NOT_WANTED = 'is not wanted';

/**
 * Passes the events up to and including `last` to `wants`, until it returns false. Returns the
 * sequence of the last wanted event and the byte at which its line ends. Throws DataDirectoryError
 * if the segment is damaged before that point.
 */
export function scanUpTo(
  { path, start, bytes }: SegmentBytes,
  last: number,
  wants: (event: InventoryEvent) => boolean,
): { readonly last: number; readonly end: number } {
  let end = 0;
  const scan = scanSegment(bytes, start, (event, offset) => {
    if (event.sequence > last || !wants(event)) return NOT_WANTED;
    end = bytes.indexOf(NEWLINE, offset) + 1;
    return undefined;
  });
  if (scan.broken !== undefined && scan.broken.what !== NOT_WANTED && scan.last < last) {
    const { line, what } = scan.broken;
    throw damaged(path, `line ${line} (sequence ${scan.last + 1})`, what);
  }
  return { last: scan.last, end };
}
