import { LayeredState } from '../../layered-state.js';
import { PublishedState } from '../../published-state.js';
import { dataPaths } from '../disk/data-directory.js';
import { DataDirectoryError } from '../disk/errors.js';
import type { FileSystem } from '../disk/file-system.js';
import {
  MANIFEST_NAME,
  type Manifest,
  type Origin,
  type SnapshotEntry,
  loadManifest,
} from '../log/manifest.js';
import { foldLog } from './recovery.js';
import { snapshotDifferences } from '../snapshot/snapshot-compare.js';
import { loadSnapshot } from '../snapshot/snapshot-load.js';

export interface LogReport {
  readonly events: number;
  readonly records: number;
  /** Units, summed over all records. */
  readonly onHand: number;
  readonly reserved: number;
  readonly activeReservations: number;
  readonly liveKeys: number;
  readonly lastSequence: number;
  /** Record time of the last event; undefined: there is none. */
  readonly lastAt: number | undefined;
  readonly nodeId: string;
  readonly origin: Origin | null;
  readonly sealedSegments: number;
  readonly clean: boolean;
  readonly tornBytes: number;
  readonly snapshots: readonly { readonly file: string; readonly verdict: string }[];
  readonly differences: readonly string[];
}

/** A running server replaces its manifest only now and then: this many attempts suffice. */
const ATTEMPTS_MAX = 10;

/**
 * Folds the whole log from its first line, without a snapshot, and compares each snapshot with the
 * fold up to its sequence. Read-only. Rejects with DataDirectoryError at the first damage to the
 * log; differences of snapshots are in the report.
 */
export async function verifyLog(fileSystem: FileSystem, root: string): Promise<LogReport> {
  for (let attempt = 1; ; attempt += 1) {
    const manifest = await loadManifest(fileSystem, root);
    if (manifest === undefined) throw new DataDirectoryError(`${root} has no ${MANIFEST_NAME}`);
    const result = await verifyAgainst(fileSystem, root, manifest).catch((error: unknown) => {
      if (error instanceof Error) return error;
      throw error;
    });
    const found = result instanceof Error || result.differences.length > 0;
    // If a running server has replaced the manifest meanwhile, the files may not match: no damage.
    if (found && attempt < ATTEMPTS_MAX) {
      const now = await loadManifest(fileSystem, root);
      if (now?.generation !== manifest.generation) continue;
    }
    if (result instanceof Error) throw result;
    return result;
  }
}

/** As `verifyLog`, with a manifest that need not be in the directory yet. */
export async function verifyAgainst(
  fileSystem: FileSystem,
  root: string,
  manifest: Manifest,
): Promise<LogReport> {
  const paths = dataPaths(root);
  const fold = new PublishedState();
  const verdicts = new Map<SnapshotEntry, readonly string[]>();
  const state = new LayeredState(fold);
  const folded = await foldLog({ fileSystem, paths }, manifest, state, async (last) => {
    for (const entry of manifest.snapshots.filter(({ sequence }) => sequence === last)) {
      const path = `${paths.snapshots}/${entry.file}`;
      verdicts.set(entry, await differencesOf(fileSystem, path, { entry, fold }));
    }
  });
  const { scan, bytes } = folded.active;
  state.publish(scan.last);
  const snapshots = manifest.snapshots.map((entry) => {
    const found = verdicts.get(entry) ?? [`no segment ends at event ${entry.sequence}`];
    return { file: entry.file, found };
  });
  return {
    ...totals(fold),
    events: scan.last,
    lastSequence: scan.last,
    lastAt: scan.last === 0 ? undefined : fold.lastAt,
    nodeId: manifest.nodeId,
    origin: manifest.origin,
    sealedSegments: manifest.sealed.length,
    clean: folded.clean,
    tornBytes: bytes.length - scan.goodBytes,
    snapshots: snapshots.map(({ file, found }) => ({
      file,
      verdict: found.length === 0 ? 'equal' : 'DIFFERS',
    })),
    differences: snapshots.flatMap(({ file, found }) => found.map((what) => `${file}: ${what}`)),
  };
}

async function differencesOf(
  fileSystem: FileSystem,
  path: string,
  { entry, fold }: { readonly entry: SnapshotEntry; readonly fold: PublishedState },
): Promise<readonly string[]> {
  try {
    return snapshotDifferences(fold, await loadSnapshot(fileSystem, path, entry));
  } catch (error) {
    return [`cannot be used: ${error instanceof Error ? error.message : String(error)}`];
  }
}

function totals(
  fold: PublishedState,
): Pick<LogReport, 'records' | 'onHand' | 'reserved' | 'activeReservations' | 'liveKeys'> {
  let [onHand, reserved, activeReservations, liveKeys] = [0, 0, 0, 0];
  for (const [, record] of fold.allRecords()) {
    onHand += record.onHand;
    reserved += record.reserved;
  }
  for (const { status } of fold.allReservations()) if (status === 'active') activeReservations += 1;
  for (const [, { until }] of fold.allKeys()) if (until > fold.lastAt) liveKeys += 1;
  return { records: fold.counts.records, onHand, reserved, activeReservations, liveKeys };
}
