import { removeIfThere, type FileSystem } from './file-system.js';
import type { DataPaths } from './data-directory.js';
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
  /** A snapshot that fails costs only time at the next start: the next seal tries again. */
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
    for (const { file } of all.slice(0, -SNAPSHOTS_KEPT)) {
      await removeIfThere(deps.fileSystem, `${deps.paths.snapshots}/${file}`);
    }
    deps.onMade(entry);
  }

  return {
    consider() {
      const none = { events: 0, bytes: 0 };
      if (closed || running !== undefined) return;
      if (!snapshotDue(deps.policy, manifests.current, none)) return;
      running = make()
        .catch((error: unknown) => {
          if (!closed) deps.onFailed(error);
        })
        .finally(() => {
          running = undefined;
        });
    },
    async close() {
      closed = true;
      await deps.maintenance.close();
      await running;
    },
  };
}
