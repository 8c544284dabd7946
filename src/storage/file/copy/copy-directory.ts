import type { Moment } from '../../../application/record-history.js';
import type { IdSource, Timers } from '../../../system.js';
import type { DataPaths } from '../disk/data-directory.js';
import { DataDirectoryError } from '../disk/errors.js';
import type { FileSystem } from '../disk/file-system.js';
import { FORMAT_VERSION, type Manifest } from '../log/manifest.js';
import { type LogReport, verifyAgainst } from '../recovery/verify-log.js';
import { copyLog } from './copy-log.js';
import { copySnapshots } from './copy-snapshots.js';
import { finishTarget, prepareTarget } from './copy-target.js';
import { lastEventAt } from './restore-point.js';
import { readSourceLog } from './source-log.js';

export interface CopyDeps {
  readonly fileSystem: FileSystem;
  readonly timers: Timers;
  readonly ids: IdSource;
  /** Whether any server has this directory at the moment. */
  readonly isInUse: (root: string) => boolean;
  readonly onWarning: (message: string) => void;
}

/**
 * Copies the log of a data directory, up to its end or to an earlier point, into a target reserved
 * by `takeTarget`. The source may be in use: it is only read, apart from a microsecond probe of its
 * presence lock (`isInUse`). The whole copy is durable, and has been folded from its first line,
 * before its manifest makes it a data directory. Rejects with DataDirectoryError if the source is
 * damaged or does not reach that point; then the target is of no use.
 *
 * The copy has a node id of its own: after its last event the two histories may differ, and a
 * follower of the source must notice.
 */
export async function copyDirectory(
  deps: CopyDeps,
  from: string,
  to: DataPaths,
  point?: Moment,
): Promise<LogReport> {
  const { fileSystem } = deps;
  await prepareTarget(fileSystem, to);
  const source = await readSourceLog(deps, from);
  const sequence = point ? await lastEventAt(fileSystem, source, point) : source.last;
  const { sealed, clean } = await copyLog(fileSystem, source, to, sequence);
  const manifest: Manifest = {
    format: FORMAT_VERSION,
    generation: 1,
    nodeId: deps.ids.next(),
    origin: { nodeId: source.manifest.nodeId, sequence },
    epoch: source.manifest.epoch,
    sealed,
    snapshots: await copySnapshots(deps, source, to, sequence),
    durable: sequence,
    clean,
  };
  const report = await refolded(fileSystem, to.root, manifest);
  await finishTarget(fileSystem, to, manifest);
  return report;
}

/** A log with correct checksums may still break the one rule, and the target disk may be bad. */
async function refolded(
  fileSystem: FileSystem,
  root: string,
  manifest: Manifest,
): Promise<LogReport> {
  try {
    const report = await verifyAgainst(fileSystem, root, manifest);
    const [difference] = report.differences;
    if (difference !== undefined) throw new DataDirectoryError(difference);
    return report;
  } catch (error) {
    if (!(error instanceof DataDirectoryError)) throw error;
    throw new DataDirectoryError(`the copy cannot be folded: ${error.message}`, { cause: error });
  }
}
