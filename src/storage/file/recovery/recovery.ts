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
  /** Published up to what is known to be durable; what lies beyond is pending until it is. */
  readonly state: LayeredState;
  readonly active: RecoveredSegment;
  /** The last stop was clean, and nothing has changed since. */
  readonly clean: boolean;
  readonly epoch: number;
  /** How many events were folded. */
  readonly replayed: number;
}

export interface Recovered extends FoldedLog {
  /** Where the snapshot stood that was folded on; 0: none. */
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
  /** Told of what is survivable but wants a person, such as a damaged snapshot. */
  readonly onWarning: (message: string) => void;
}

/**
 * Reads a data directory, and makes a fresh one where there is nothing. Rejects with
 * DataDirectoryError where anything that was acknowledged is damaged or missing, naming file, line
 * and sequence; only what nobody was promised may be torn.
 */
export async function recover(deps: RecoveryDeps): Promise<Recovered> {
  await makeDirectories(deps.fileSystem, deps.paths);
  const manifest =
    (await loadManifest(deps.fileSystem, deps.paths.root)) ?? (await makeFreshDirectory(deps));
  const snapshot = await loadNewestSnapshot(deps, manifest);
  const folded = await foldLog(deps, manifest, new LayeredState(snapshot.state));
  return { ...folded, snapshotSequence: snapshot.entry?.sequence ?? 0 };
}

/** Folds what the log has behind `state`, and compares it with all that is known of its end. */
export async function foldLog(
  deps: Pick<RecoveryDeps, 'fileSystem' | 'paths'>,
  manifest: Manifest,
  state: LayeredState,
  onSegment?: (last: number) => Promise<void>,
): Promise<FoldedLog> {
  const { paths } = deps;
  const before = state.lastSequence;
  // First of all: a server that runs meanwhile raises it only after it has written more.
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

/** Compares the segments there are with those there should be; the name of the active one. */
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
    // A rotation that did not get as far as the manifest leaves one empty file behind.
    if ((await sizeOf(fileSystem, `${paths.events}/${name}`)) > 0) {
      throw damaged(`${paths.events}/${name}`, 'the whole file', 'is not in the manifest');
    }
  }
  return active;
}

/** `known`: up to here the events are durable, if they are there at all. */
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
