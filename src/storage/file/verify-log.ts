import { LayeredState } from '../layered-state.js';
import { PublishedState } from '../published-state.js';
import { dataPaths } from './data-directory.js';
import { DataDirectoryError } from './errors.js';
import type { FileSystem } from './file-system.js';
import { type SnapshotEntry, loadManifest } from './manifest.js';
import { foldLog } from './recovery.js';
import { snapshotDifferences } from './snapshot-compare.js';
import { loadSnapshot } from './snapshot-load.js';

export interface LogReport {
  readonly events: number;
  readonly records: number;
  /** Units over all records. */
  readonly onHand: number;
  readonly reserved: number;
  readonly activeReservations: number;
  readonly liveKeys: number;
  readonly lastSequence: number;
  readonly sealedSegments: number;
  readonly clean: boolean;
  readonly tornBytes: number;
  readonly snapshots: readonly { readonly file: string; readonly verdict: string }[];
  readonly differences: readonly string[];
}

/**
 * Folds the whole log from its first line, without any snapshot, and compares each snapshot with
 * the fold at its place. Reads only. Rejects with DataDirectoryError at the first damage.
 */
export async function verifyLog(fileSystem: FileSystem, root: string): Promise<LogReport> {
  const paths = dataPaths(root);
  const manifest = await loadManifest(fileSystem, root);
  if (manifest === undefined) throw new DataDirectoryError(`${root} has no MANIFEST.json`);
  const fold = new PublishedState();
  const snapshots: { file: string; verdict: string }[] = [];
  const differences: string[] = [];

  async function compareSnapshot(entry: SnapshotEntry): Promise<void> {
    const { file } = entry;
    try {
      const kept = await loadSnapshot(fileSystem, `${paths.snapshots}/${file}`, entry);
      const found = snapshotDifferences(fold, kept);
      differences.push(...found.map((difference) => `${file}: ${difference}`));
      snapshots.push({ file, verdict: found.length === 0 ? 'equal' : 'DIFFERS' });
    } catch (error) {
      differences.push(`${file}: ${error instanceof Error ? error.message : String(error)}`);
      snapshots.push({ file, verdict: 'DAMAGED' });
    }
  }

  const state = new LayeredState(fold);
  const folded = await foldLog({ fileSystem, paths }, manifest, state, async (last) => {
    for (const entry of manifest.snapshots) {
      if (entry.sequence === last) await compareSnapshot(entry);
    }
  });
  const { scan, bytes } = folded.active;
  state.publish(scan.last);
  return {
    ...totals(fold),
    events: scan.last,
    lastSequence: scan.last,
    sealedSegments: manifest.sealed.length,
    clean: folded.clean,
    tornBytes: bytes.length - scan.goodBytes,
    snapshots,
    differences,
  };
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
