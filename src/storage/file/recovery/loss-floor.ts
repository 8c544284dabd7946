import { damaged } from '../disk/data-directory.js';
import type { Manifest } from '../log/manifest.js';
import { type SegmentScan, highestDurable } from '../format/segment-scan.js';

/** The active segment, read and scanned. */
export interface ScannedSegment {
  readonly scan: SegmentScan;
  /** The whole file: good bytes, then possibly a torn tail. */
  readonly bytes: Buffer;
}

/** The highest sequence that was acknowledged, according to manifest and active segment. */
export function lossFloor(manifest: Manifest, { scan, bytes }: ScannedSegment): number {
  return Math.max(
    manifest.durable,
    ...manifest.snapshots.map((entry) => entry.sequence),
    manifest.sealed.at(-1)?.last ?? 0,
    scan.durable,
    scan.broken === undefined ? 0 : highestDurable(bytes.subarray(scan.broken.offset)),
  );
}

/** Throws DataDirectoryError if the log ends or breaks before `floor`. */
export function assertNothingLost(path: string, { scan }: ScannedSegment, floor: number): void {
  if (scan.last >= floor) return;
  const where = scan.broken ? `line ${scan.broken.line} ${scan.broken.what}` : 'the file ends';
  const promised = `${where}, but events up to ${floor} were acknowledged`;
  throw damaged(path, `sequence ${scan.last + 1}`, promised);
}
