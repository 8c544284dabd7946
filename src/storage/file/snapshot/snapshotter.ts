import type { FailedAttempt, Retry } from '../../../resilience/retry.js';
import type { Clock } from '../../../system.js';
import type { FrozenState } from '../../frozen-state.js';
import type { DataPaths } from '../disk/data-directory.js';
import { DataDirectoryError, StorageFatalError } from '../disk/errors.js';
import { type FileSystem, removeIfThere } from '../disk/file-system.js';
import type { Manifest, SealedSegment } from '../log/manifest.js';
import type { ManifestStore } from '../log/manifest-store.js';
import { checkSealed } from '../log/segment-check.js';
import { type LogSize, type SnapshotPolicy, isSnapshotDue } from './snapshot-policy.js';
import { removeLeftovers, writeSnapshot } from './snapshot-write.js';

const SNAPSHOTS_KEPT = 2;
/** After one was given up; it costs only time at the next start, and to try costs room and time. */
const NEXT_AFTER_MS = 30_000;

/**
 * Makes snapshots: of the state in memory, frozen at a moment when it is the fold of exactly the
 * sealed segments, and written bit by bit while the service goes on.
 */
export interface Snapshotter {
  /** Whether the log, with `active` sealed as well, is worth a snapshot now. */
  isDue(active: LogSize): boolean;
  /** To be called when all that is published is sealed: starts a snapshot if one is due. */
  onSealed(): void;
  /** Ends the one under way, if any, and starts no other. */
  close(): Promise<void>;
}

export interface SnapshotterDeps {
  readonly fileSystem: FileSystem;
  readonly paths: DataPaths;
  readonly clock: Clock;
  readonly policy: SnapshotPolicy;
  /** A snapshot is safe to repeat: until the manifest names it, it is only a file. */
  readonly retry: Retry;
  readonly freeze: () => FrozenState;
  readonly onMade: (snapshot: { readonly sequence: number; readonly bytes: number }) => void;
  /**
   * A snapshot that is given up is due again later; but what it found out may be worse:
   * DataDirectoryError (a segment is not what was sealed), StorageFatalError (a sync failed).
   */
  readonly onFailed: (error: unknown) => void;
  readonly onRetry: (failed: FailedAttempt) => void;
}

/** The segments that the newest snapshot does not cover. */
function notCovered({ sealed, snapshots }: Manifest): readonly SealedSegment[] {
  return sealed.filter(({ last }) => last > (snapshots.at(-1)?.sequence ?? 0));
}

class Ended extends Error {}

const NOTHING: LogSize = { events: 0, bytes: 0 };

export function createSnapshotter(deps: SnapshotterDeps, manifests: ManifestStore): Snapshotter {
  const { fileSystem, paths, clock, policy, onRetry } = deps;
  const closing = new AbortController();
  const { signal } = closing;
  let running: Promise<void> | undefined;
  let notBefore = -Infinity;

  function endIfClosed(): void {
    if (signal.aborted) throw new Ended('the service stops');
  }

  async function make(state: FrozenState): Promise<void> {
    const { current } = manifests;
    await removeLeftovers(deps, current);
    // Nothing reads these again before the next start: what has become of them is found out now.
    const damage = await checkSealed(deps, notCovered(current));
    if (damage !== undefined) throw new DataDirectoryError(damage);
    const entry = await writeSnapshot({ fileSystem, paths, onChunk: endIfClosed }, state);
    const all = [...manifests.current.snapshots, entry];
    await manifests.update(() => ({ snapshots: all.slice(-SNAPSHOTS_KEPT) }));
    deps.onMade(entry);
    for (const { file } of all.slice(0, -SNAPSHOTS_KEPT)) {
      // What cannot be removed now is removed before the next one is made.
      await removeIfThere(fileSystem, `${paths.snapshots}/${file}`).catch(() => undefined);
    }
  }

  async function run(state: FrozenState): Promise<void> {
    try {
      await deps.retry(() => make(state), { retryable, onRetry, signal });
    } catch (error) {
      notBefore = clock.monotonicMs() + NEXT_AFTER_MS;
      if (!signal.aborted || error instanceof StorageFatalError) deps.onFailed(error);
    } finally {
      state.release();
      running = undefined;
    }
  }

  function isDue(active: LogSize): boolean {
    if (signal.aborted || running !== undefined || clock.monotonicMs() < notBefore) return false;
    return isSnapshotDue(policy, manifests.current, active);
  }

  return {
    isDue,
    onSealed() {
      if (!isDue(NOTHING)) return;
      running = run(deps.freeze());
    },
    async close() {
      closing.abort();
      await running;
    },
  };
}

/** What was damaged stays so, and a failed sync is never asked again. */
function retryable(error: unknown): boolean {
  return !(error instanceof DataDirectoryError || error instanceof StorageFatalError);
}
