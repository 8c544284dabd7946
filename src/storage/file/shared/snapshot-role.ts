import type { FailedAttempt, Retry } from '../../../resilience/retry.js';
import type { Clock, Timers } from '../../../system.js';
import type { FrozenState } from '../../frozen-state.js';
import type { DataPaths } from '../disk/data-directory.js';
import { DataDirectoryError, StorageFatalError } from '../disk/errors.js';
import type { StorageReport } from '../file-inventory-repository.js';
import type { FileSystem } from '../disk/file-system.js';
import type { KernelLock } from '../disk/kernel-lock.js';
import {
  type LogSize,
  type SnapshotPolicy,
  isRotationDue,
  isSnapshotDue,
} from '../snapshot/snapshot-policy.js';
import { type Snapshotter, createSnapshotter } from '../snapshot/snapshotter.js';
import type { SharedManifests } from './shared-manifests.js';
import { takeRole } from './singleton-role.js';
import type { Turns } from './turns.js';

export interface SnapshotRoleDeps {
  readonly fileSystem: FileSystem;
  readonly paths: DataPaths;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly lock: KernelLock;
  readonly manifests: SharedManifests;
  readonly turns: Turns;
  readonly policy: SnapshotPolicy;
  readonly retry: Retry;
  readonly freeze: () => FrozenState;
  /** In a turn: seals the active segment if that is due. */
  readonly sealIfDue: () => Promise<void>;
  readonly report: StorageReport;
  readonly onFatal: (error: unknown) => void;
  readonly onDamage: (what: string) => void;
}

export interface SnapshotRole {
  /**
   * Whether the active segment, at this size, should be sealed by the process that has the turn.
   */
  isRotationDue(active: LogSize): boolean;
  /**
   * Called periodically: seals the active segment if a snapshot is due, even if this process, which
   * has the role, does not write itself.
   */
  consider(active: LogSize): void;
  /** A segment was sealed, by any process, and the published state is the fold up to its end. */
  onSealed(): void;
  close(): Promise<void>;
}

const NOTHING: LogSize = { events: 0, bytes: 0 };

/** Only one process at a time makes snapshots; it changes the manifest only in a turn. */
export function takeSnapshotRole(deps: SnapshotRoleDeps): SnapshotRole {
  const { timers, lock, manifests, turns, policy, report } = deps;
  let snapshotter: Snapshotter | undefined;

  const inTurns = {
    get current() {
      return manifests.current;
    },
    update: (change: Parameters<SharedManifests['update']>[0]) =>
      turns.runTask(() => manifests.update(change)),
  };

  function onFailed(error: unknown): void {
    if (error instanceof StorageFatalError) deps.onFatal(error);
    else if (error instanceof DataDirectoryError) deps.onDamage(error.message);
    else report.warning(`no snapshot was made: ${String(error)}`);
  }

  function onRetry({ error, delayMs }: FailedAttempt): void {
    report.warning(`no snapshot was made, tried again in ${delayMs} ms: ${String(error)}`);
  }

  /** Not if the sealed segments suffice: then the process that has the role is making it. */
  function isDueElsewhere(active: LogSize): boolean {
    const { current } = manifests;
    return isSnapshotDue(policy, current, active) && !isSnapshotDue(policy, current, NOTHING);
  }

  async function start(): Promise<() => Promise<void>> {
    await manifests.reload();
    const mine = createSnapshotter(
      { ...deps, onFailed, onRetry, onMade: (made) => report.snapshot(made) },
      inTurns,
    );
    snapshotter = mine;
    return async () => {
      snapshotter = undefined;
      await mine.close();
    };
  }

  const role = takeRole({
    lock,
    timers,
    whenHeld: start,
    onError: (error) => report.warning(`no snapshots are made here: ${String(error)}`),
  });

  return {
    isRotationDue: (active) => isRotationDue(active, snapshotter?.isDue ?? isDueElsewhere),
    consider(active) {
      if (snapshotter?.isDue(active) === true) turns.runTask(deps.sealIfDue).catch(() => undefined);
    },
    onSealed: () => snapshotter?.onSealed(),
    close: () => role.close(),
  };
}
