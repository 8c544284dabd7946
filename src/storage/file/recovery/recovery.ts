import { createHash } from 'node:crypto';
import type { IdSource } from '../../../system.js';
import { LayeredState } from '../../layered-state.js';
import {
  type DataPaths,
  damaged,
  fileNameOf,
  makeDirectories,
  numberedFiles,
  readSegment,
} from '../disk/data-directory.js';
import { type FileSystem, sizeOf } from '../disk/file-system.js';
import { makeFreshDirectory } from './fresh-directory.js';
import { type ScannedSegment, assertNothingLost, lossFloor } from './loss-floor.js';
import { type Manifest, loadManifest } from '../log/manifest.js';
import { Offsets } from '../format/offsets.js';
import { FIRST_PREVIOUS } from '../format/record-format.js';
import { foldEvent, replaySealed } from './replay.js';
import { scanSegment } from '../format/segment-scan.js';
import { loadNewestSnapshot } from '../snapshot/snapshot-load.js';
import { readWatermark } from '../log/watermark.js';

/** What was found on disk, before anything is changed there. */
export interface FoldedLog {
  readonly manifest: Manifest;
  /** Published up to the last event known to be durable; later events are pending. */
  readonly state: LayeredState;
  readonly active: RecoveredSegment;
  /** The last stop was clean, and nothing has changed since. */
  readonly clean: boolean;
  readonly epoch: number;
  /** The number of events folded. */
  readonly replayed: number;
}

export interface Recovered extends FoldedLog {
  /** The sequence of the snapshot that the fold started from; 0: none. */
  readonly snapshotSequence: number;
}

export interface RecoveredSegment extends ScannedSegment {
  readonly name: string;
  readonly offsets: Offsets;
}

export interface RecoveryDeps {
  readonly fileSystem: FileSystem;
  readonly paths: DataPaths;
  readonly ids: IdSource;
  /** Receives problems that need attention but do not prevent a start (a damaged snapshot). */
  readonly onWarning: (message: string) => void;
}

/**
 * Reads a data directory, or creates a fresh one if there is none. Rejects with DataDirectoryError
 * if anything acknowledged is damaged or missing, naming file, line and sequence; only an
 * unacknowledged tail may be torn.
 */
export async function recover(deps: RecoveryDeps): Promise<Recovered> {
  await makeDirectories(deps.fileSystem, deps.paths);
  const manifest =
    (await loadManifest(deps.fileSystem, deps.paths.root)) ?? (await makeFreshDirectory(deps));
  const snapshot = await loadNewestSnapshot(deps, manifest);
  const folded = await foldLog(deps, manifest, new LayeredState(snapshot.state));
  return { ...folded, snapshotSequence: snapshot.entry?.sequence ?? 0 };
}

/** Folds the log after `state`, and checks its end against everything that is known of it. */
export async function foldLog(
  deps: Pick<RecoveryDeps, 'fileSystem' | 'paths'>,
  manifest: Manifest,
  state: LayeredState,
  onSegment?: (last: number) => Promise<void>,
): Promise<FoldedLog> {
  const { paths } = deps;
  const before = state.lastSequence;
  // Read before the segments: a running server raises it only after it has synced more events.
  const watermark = await readWatermark(deps.fileSystem, paths.watermark);
  const activeName = await checkFiles(deps, manifest);
  await replaySealed(deps, manifest.sealed, state, onSegment);
  const known = Math.max(watermark, manifest.durable, manifest.clean?.last ?? 0);
  const active = await replayActive(deps, manifest, activeName, { state, known });
  const { scan } = active;
  const floor = Math.max(watermark, lossFloor(manifest, active));
  const path = `${paths.events}/${activeName}`;
  assertNothingLost(path, active, floor);
  checkCleanMark(manifest, active, path);
  state.publish(manifest.clean === null ? floor : scan.last);
  return {
    manifest,
    state,
    active,
    clean: manifest.clean !== null,
    epoch: Math.max(manifest.epoch, scan.epoch),
    replayed: state.lastSequence - before,
  };
}

/** Compares the existing segments with the manifest; resolves with the active segment's name. */
async function checkFiles(
  { fileSystem, paths }: Pick<RecoveryDeps, 'fileSystem' | 'paths'>,
  manifest: Manifest,
): Promise<string> {
  const there = await numberedFiles(fileSystem, paths.events);
  for (const { file, bytes, first } of manifest.sealed) {
    const path = `${paths.events}/${file}`;
    if (!there.includes(file)) throw damaged(path, `sequence ${first}`, 'the segment is missing');
    const size = await sizeOf(fileSystem, path);
    if (size !== bytes) {
      throw damaged(path, `sequence ${first}`, `has ${size} bytes, was sealed with ${bytes}`);
    }
  }
  const active = fileNameOf((manifest.sealed.at(-1)?.last ?? 0) + 1);
  const path = `${paths.events}/${active}`;
  if (!there.includes(active)) throw damaged(path, 'the active segment', 'is missing');
  const known = new Set([active, ...manifest.sealed.map(({ file }) => file)]);
  for (const name of there.filter((each) => !known.has(each))) {
    // A rotation interrupted before the manifest was replaced leaves one empty file behind.
    if ((await sizeOf(fileSystem, `${paths.events}/${name}`)) > 0) {
      throw damaged(`${paths.events}/${name}`, 'the whole file', 'is not in the manifest');
    }
  }
  return active;
}

/** `known`: events up to this sequence are durable, if they are in the segment at all. */
async function replayActive(
  { fileSystem, paths }: Pick<RecoveryDeps, 'fileSystem' | 'paths'>,
  manifest: Manifest,
  name: string,
  { state, known }: { readonly state: LayeredState; readonly known: number },
): Promise<RecoveredSegment> {
  const lastSealed = manifest.sealed.at(-1);
  const first = (lastSealed?.last ?? 0) + 1;
  const bytes = await readSegment(fileSystem, `${paths.events}/${name}`, first);
  const offsets = new Offsets(first);
  const previous = lastSealed?.lastCrc ?? FIRST_PREVIOUS;
  const scan = scanSegment(bytes, { first, previous }, (event, offset) => {
    const objection = foldEvent(state, event, event.sequence <= known);
    if (objection === undefined) offsets.push(offset);
    return objection;
  });
  return { name, scan, offsets, bytes };
}

function checkCleanMark(manifest: Manifest, active: RecoveredSegment, path: string): void {
  const { clean } = manifest;
  if (clean === null) return;
  const { scan, bytes, name } = active;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const same =
    clean.file === name &&
    clean.bytes === bytes.length &&
    clean.last === scan.last &&
    clean.sha256 === sha256;
  if (!same) {
    const where = scan.broken ? `line ${scan.broken.line}` : `sequence ${scan.last}`;
    throw damaged(path, where, `has changed since the last clean stop at event ${clean.last}`);
  }
}
