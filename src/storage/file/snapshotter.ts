import type { DataPaths } from './data-directory.js';
import { StorageFatalError } from './errors.js';
import { type FileSystem, removeIfThere } from './file-system.js';
import type { Maintenance } from './maintenance.js';
import type { ManifestStore } from './manifest-store.js';
import { type SnapshotPolicy, snapshotDue } from './snapshot-policy.js';

const SNAPSHOTS_KEPT = 2;

export interface Snapshotter {
  /** Starts a snapshot if one is due and none is under way. */
  consider(): void;
  /** Ends the one under way, if any, and starts no other. */
  close(): Promise<void>;
}

export interface SnapshotterDeps {
  readonly fileSystem: FileSystem;
  readonly paths: DataPaths;
  readonly policy: SnapshotPolicy;
  readonly maintenance: Maintenance;
  readonly onMade: (snapshot: { readonly sequence: number; readonly bytes: number }) => void;
  /**
   * A snapshot that fails costs only time at the next start, and the next seal tries again; but
   * what it found out may be worse: DataDirectoryError (the log is damaged), StorageFatalError.
   */
  readonly onFailed: (error: unknown) => void;
}

export function createSnapshotter(deps: SnapshotterDeps, manifests: ManifestStore): Snapshotter {
  let running: Promise<void> | undefined;
  let closed = false;

  async function make(): Promise<void> {
    const entry = await deps.maintenance.snapshot(manifests.current);
    const all = [...manifests.current.snapshots, entry];
    const snapshots = all.slice(-SNAPSHOTS_KEPT);
    await manifests.update(() => ({ snapshots }));
    deps.onMade(entry);
    for (const { file } of all.slice(0, -SNAPSHOTS_KEPT)) {
      // What cannot be removed now is removed before the next one is made.
      await removeIfThere(deps.fileSystem, `${deps.paths.snapshots}/${file}`).catch(
        () => undefined,
      );
    }
  }

  function consider(): void {
    const none = { events: 0, bytes: 0 };
    if (closed || running !== undefined) return;
    if (!snapshotDue(deps.policy, manifests.current, none)) return;
    running = make().then(onEnd, (error: unknown) => {
      running = undefined;
      if (!closed || error instanceof StorageFatalError) deps.onFailed(error);
    });
  }

  /** A segment that was sealed meanwhile was not considered. */
  function onEnd(): void {
    running = undefined;
    consider();
  }

  return {
    consider,
    async close() {
      closed = true;
      await deps.maintenance.close();
      await running;
    },
  };
}
