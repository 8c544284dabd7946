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

/** A log that has not changed for this long has no writer. */
const STILL_MS = 2_000;
const POLL_MS = 20;
/** A writer settles its bytes within one sync; after this many looks the known end counts. */
const LOOKS_MAX = 100;

/** A directory's log at one moment. */
export interface SourceLog {
  readonly paths: DataPaths;
  readonly manifest: Manifest;
  /** The active segment, as it was read; it may have events after `last`. */
  readonly active: SegmentBytes;
  /** The last event that counts. */
  readonly last: number;
}

interface SourceDeps {
  readonly fileSystem: FileSystem;
  /** Whether any server has the directory at this moment. */
  readonly isInUse: (root: string) => boolean;
  readonly timers: Timers;
}

interface Look extends Omit<SourceLog, 'last'> {
  readonly scan: SegmentScan;
  /** Events up to this sequence are known to be durable, and so final. */
  readonly known: number;
  readonly watermark: number;
  /**
   * Servers that share the directory wrote it: while any of them runs, nothing beyond it counts.
   */
  readonly isWatermarkExact: boolean;
}

/**
 * Reads the log of a directory that may be in use, without hindering its servers. Includes every
 * event that is known to be durable at the call, and none that its writer, or another server that
 * shares the directory, may still cut. If no server writes any more (it was killed), it includes
 * all whole events, as the next start would. Rejects with DataDirectoryError if acknowledged events
 * are damaged or missing.
 */
export async function readSourceLog(deps: SourceDeps, root: string): Promise<SourceLog> {
  let goal = Infinity;
  for (let looks = 1; ; looks += 1) {
    const look = await lookAtMoving(deps, dataPaths(root));
    // Events cut since an earlier look were never acknowledged.
    goal = Math.min(goal, look.scan.last);
    if (look.known >= goal || looks === LOOKS_MAX) return { ...look, last: look.known };
    if (!(await moves(deps, look))) {
      const isAll = look.isWatermarkExact && deps.isInUse(root);
      return { ...look, last: isAll ? look.known : look.scan.last };
    }
  }
}

/** Looks again after damage: if it is gone, the writer was cutting bytes back. */
async function lookAtMoving(deps: SourceDeps, paths: DataPaths): Promise<Look> {
  try {
    return await lookAt(deps, paths);
  } catch (error) {
    if (!(error instanceof DataDirectoryError)) throw error;
    return await lookAt(deps, paths);
  }
}

/**
 * Reads the watermark, then the manifest, then the active segment: so every event up to the
 * watermark is in one of the manifest's segments, even if a rotation intervenes, and is final.
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

/**
 * Resolves with true as soon as anything was written, with false after STILL_MS without a write.
 */
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
