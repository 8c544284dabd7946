import type { Timers } from '../../../system.js';
import { type DataPaths, dataPaths, fileNameOf, readSegment } from '../disk/data-directory.js';
import { DataDirectoryError } from '../disk/errors.js';
import { type FileSystem, sizeOf } from '../disk/file-system.js';
import { assertNothingLost, lossFloor } from '../recovery/loss-floor.js';
import { MANIFEST_NAME, type Manifest, loadManifest } from '../log/manifest.js';
import { FIRST_PREVIOUS } from '../format/record-format.js';
import { type SegmentScan, scanSegment } from '../format/segment-scan.js';
import { readWatermark, readWatermarkFields } from '../log/watermark.js';
import type { SegmentBytes } from './source-segments.js';

/** A log that has stood still for so long has nobody who writes to it. */
const STILL_MS = 2_000;
const POLL_MS = 20;
/** A writer settles what it writes within one sync; whoever needs more is looked at no further. */
const LOOKS_MAX = 100;

/** A directory's log at one moment. */
export interface SourceLog {
  readonly paths: DataPaths;
  readonly manifest: Manifest;
  /** The segment that was being appended to, as it was read; it may go on behind `last`. */
  readonly active: SegmentBytes;
  /** The last event that counts. */
  readonly last: number;
}

interface SourceDeps {
  readonly fileSystem: FileSystem;
  /** Whether servers have the directory at this moment. */
  readonly isInUse: (root: string) => boolean;
  readonly timers: Timers;
}

interface Look extends Omit<SourceLog, 'last'> {
  readonly scan: SegmentScan;
  /** Up to here events are known to be durable: they will never be others. */
  readonly known: number;
  readonly watermark: number;
  /** Of servers that share the directory: while any of them lives nothing exists beyond it. */
  readonly isWatermarkExact: boolean;
}

/**
 * Reads the log of a directory that may be in use, without being in anybody's way. What is known to
 * be durable when it is called is in; of what is not, nothing is that its writer, or another server
 * that shares the directory, may still take back. Where nobody writes any more (a killed server), all whole events are in, as a start would
 * have it. Rejects with DataDirectoryError where acknowledged events are damaged or missing.
 */
export async function readSourceLog(deps: SourceDeps, root: string): Promise<SourceLog> {
  let goal = Infinity;
  for (let looks = 1; ; looks += 1) {
    const look = await lookAtMoving(deps, dataPaths(root));
    // What was cut meanwhile, nobody was promised.
    goal = Math.min(goal, look.scan.last);
    if (look.known >= goal || looks === LOOKS_MAX) return { ...look, last: look.known };
    if (!(await moves(deps, look))) {
      const isAll = look.isWatermarkExact && deps.isInUse(root);
      return { ...look, last: isAll ? look.known : look.scan.last };
    }
  }
}

/** Damage that is gone at the next look was none: bytes that were being taken back. */
async function lookAtMoving(deps: SourceDeps, paths: DataPaths): Promise<Look> {
  try {
    return await lookAt(deps, paths);
  } catch (error) {
    if (!(error instanceof DataDirectoryError)) throw error;
    return await lookAt(deps, paths);
  }
}

/**
 * The watermark first, then the manifest, then the segment: so whatever the first speaks of is in
 * one of the segments of the second, also when a rotation comes in between, and final.
 */
async function lookAt({ fileSystem }: SourceDeps, paths: DataPaths): Promise<Look> {
  const mark = await readWatermarkFields(fileSystem, paths.watermark);
  const watermark = mark?.durable ?? 0;
  const manifest = await loadManifest(fileSystem, paths.root);
  if (manifest === undefined) throw new DataDirectoryError(`${paths.root} has no ${MANIFEST_NAME}`);
  const lastSealed = manifest.sealed.at(-1);
  const first = (lastSealed?.last ?? 0) + 1;
  const path = `${paths.events}/${fileNameOf(first)}`;
  const bytes = await readSegment(fileSystem, path, first);
  const start = { first, previous: lastSealed?.lastCrc ?? FIRST_PREVIOUS };
  const scan = scanSegment(bytes, start, () => undefined);
  const floor = lossFloor(manifest, { scan, bytes });
  const known = Math.max(watermark, floor, manifest.clean?.last ?? 0);
  assertNothingLost(path, { scan, bytes }, known);
  const isWatermarkExact = mark?.segment !== undefined;
  const active = { path, start, bytes };
  return { paths, manifest, active, scan, known, watermark, isWatermarkExact };
}

/** Resolves with true as soon as somebody has written, with false when nobody did for a time. */
async function moves({ fileSystem, timers }: SourceDeps, look: Look): Promise<boolean> {
  const { paths, manifest, active, watermark } = look;
  for (let waitedMs = 0; waitedMs < STILL_MS; waitedMs += POLL_MS) {
    await new Promise<void>((resolve) => void timers.after(POLL_MS, resolve));
    if ((await readWatermark(fileSystem, paths.watermark)) !== watermark) return true;
    if ((await sizeOf(fileSystem, active.path)) !== active.bytes.length) return true;
    const now = await loadManifest(fileSystem, paths.root);
    if (now?.generation !== manifest.generation) return true;
  }
  return false;
}
