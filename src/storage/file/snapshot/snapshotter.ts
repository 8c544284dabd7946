import type { FailedAttempt, Retry } from '../../../resilience/retry.js';
import type { Clock } from '../../../system.js';
import type { FrozenState } from '../../frozen-state.js';
import type { DataPaths } from '../disk/data-directory.js';
import { DataDirectoryError, StorageFatalError } from '../disk/errors.js';
import { type FileSystem, removeIfThere } from '../disk/file-system.js';
import type { Manifest, SealedSegment } from '../log/manifest.js';
import type { ManifestStore } from '../log/manifest-store.js';
import { checkSealed } from '../integrity/segment-check.js';
import { type LogSize, type SnapshotPolicy, isSnapshotDue } from './snapshot-policy.js';
import { removeLeftovers, writeSnapshot } from './snapshot-write.js';

const SNAPSHOTS_KEPT = 2;
/**
 * The pause after a failed snapshot: lacking one only makes the next start slower, while each
 * attempt takes room and time.
 */
const NEXT_AFTER_MS = 30_000;

/**
 * Makes snapshots of the state in memory: frozen at a moment when it is the fold of exactly the
 * sealed segments, and written in small parts while requests are served.
 */
export interface Snapshotter {
  /** Whether a snapshot is due now if `active` is sealed as well. */
  isDue(active: LogSize): boolean;
  /** Called when everything published is sealed: starts a snapshot if one is due. */
  onSealed(): void;
  /** Ends a running snapshot; no other is started. */
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
   * A failed snapshot is due again later, but two errors are worse than that: DataDirectoryError (a
   * sealed segment does not match its hash) and StorageFatalError (a sync failed).
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
    // Nothing else verifies these before the next start: damage must be found now.
    const damage = await checkSealed(deps, notCovered(current), endIfClosed);
    if (damage !== undefined) throw new DataDirectoryError(damage);
    const entry = await writeSnapshot({ fileSystem, paths, onChunk: endIfClosed }, state);
    const all = [...manifests.current.snapshots, entry];
    await manifests.update(() => ({ snapshots: all.slice(-SNAPSHOTS_KEPT) }));
    deps.onMade(entry);
    for (const { file } of all.slice(0, -SNAPSHOTS_KEPT)) {
      // If this fails, the file is removed before the next snapshot is made.
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

/** Damage is permanent, and a failed sync is never repeated. */
function retryable(error: unknown): boolean {
  return !(error instanceof DataDirectoryError || error instanceof StorageFatalError);
}
