import type { InventoryRepository } from '../../application/ports.js';
import type { RecordClock } from '../../application/record-clock.js';
import { UnavailableError } from '../../domain/errors.js';
import type { InventoryEvent } from '../../domain/events.js';
import type { System } from '../../system.js';
import { createDurableReads } from '../durable-reads.js';
import { createTransaction } from '../transaction.js';
import { type DataPaths, dataPaths } from './data-directory.js';
import { createEventLog } from './event-log.js';
import type { FileSystem } from './file-system.js';
import { createGroupCommit } from './group-commit.js';
import { createLogReader } from './log-reader.js';
import type { Maintenance } from './maintenance.js';
import { recover } from './recovery.js';
import { type SnapshotPolicy, rotationDue } from './snapshot-policy.js';
import { createSnapshotter } from './snapshotter.js';

/** How many events may wait for the disk before new writes are turned away. */
const PENDING_EVENTS_MAX = 100_000;
const OVERLOADED_RETRY_MS = 1_000;

export interface FileRepositoryDeps {
  readonly root: string;
  readonly fileSystem: FileSystem;
  readonly system: System;
  readonly recordClock: RecordClock;
  readonly maintenance: Maintenance;
  readonly snapshotPolicy: SnapshotPolicy;
  readonly report: StorageReport;
}

/** What storage has to say to the operator; the caller decides where it goes. */
export interface StorageReport {
  warning(message: string): void;
  /** Writes are refused from now on, with the reason; undefined: they are taken again. */
  writable(problem: unknown): void;
  snapshot(made: { readonly sequence: number; readonly bytes: number }): void;
  /** A promise would be broken by going on: end the process, acknowledge nothing more. */
  fatal(error: unknown): void;
}

/** What was found at start. */
export interface RecoveryFigures {
  readonly records: number;
  readonly events: number;
  readonly replayed: number;
  readonly clean: boolean;
  readonly tornBytes: number;
  readonly epoch: number;
  readonly durationMs: number;
}

export interface FileInventoryRepository extends InventoryRepository {
  readonly recovery: RecoveryFigures;
}

/**
 * Recovers the directory and opens it for writing. Rejects with DataDirectoryError where it must
 * not be used. The caller holds the presence lock.
 */
export async function openFileInventoryRepository(
  deps: FileRepositoryDeps,
): Promise<FileInventoryRepository> {
  const { fileSystem, system, recordClock, report, snapshotPolicy, maintenance } = deps;
  const paths: DataPaths = dataPaths(deps.root);
  const startedAt = system.clock.monotonicMs();
  const onWarning = (message: string): void => report.warning(message);
  const recovered = await recover({ fileSystem, paths, ids: system.ids, onWarning });
  const { state } = recovered;
  recordClock.notBefore(state.lastAt);

  let closed = false;
  let damage: string | undefined;
  const log = createEventLog(
    {
      fileSystem,
      paths,
      clock: system.clock,
      now: () => recordClock.now(),
      rotationDue: ({ offsets, bytes }, { current }) =>
        rotationDue(snapshotPolicy, current, { events: offsets.count, bytes }),
      onDurable: (sequence) => state.publish(sequence),
      onSealed: () => snapshotter.consider(),
      onFatal: (error) => report.fatal(error),
      onWritable: (problem) => report.writable(problem),
    },
    recovered,
  );
  const snapshotter = createSnapshotter(
    {
      ...{ fileSystem, paths, maintenance, policy: snapshotPolicy },
      onMade: (made) => report.snapshot(made),
      onFailed: (error) => report.warning(`no snapshot was made: ${String(error)}`),
    },
    log.manifests,
  );
  const commits = createGroupCommit<InventoryEvent>({
    timers: system.timers,
    write: (events) => log.write(events),
    onFailed: () => state.dropPending(),
  });
  const reader = createLogReader({
    ...{ fileSystem, paths },
    sealed: () => log.manifests.current.sealed,
    active: () => log.active ?? recoveredSegment,
  });
  // Single values only: a closure over `recovered` would keep the whole segment in memory.
  const { name, offsets, scan } = recovered.active;
  const { snapshotSequence } = recovered;
  const recoveredSegment = { name, offsets, bytes: scan.goodBytes };
  const recovery: RecoveryFigures = {
    records: state.published.counts.records,
    events: state.lastSequence,
    replayed: recovered.replayed,
    clean: recovered.clean,
    tornBytes: recovered.active.bytes.length - scan.goodBytes,
    epoch: log.epoch,
    durationMs: system.clock.monotonicMs() - startedAt,
  };
  await log.open();
  snapshotter.consider();
  const old = log.manifests.current.sealed.filter(({ last }) => last <= snapshotSequence);
  if (old.length > 0) void maintenance.check(old).then(onChecked, onCheckFailed);

  function onChecked(found: string | undefined): void {
    if (found === undefined) return;
    damage = found;
    report.writable(new Error(found));
  }

  function onCheckFailed(error: unknown): void {
    if (!closed) report.warning(`old segments could not be checked: ${String(error)}`);
  }

  return {
    ...createDurableReads(state.published),
    recovery,
    now: () => recordClock.now(),
    durableSequence: () => state.published.lastSequence,
    transact(work) {
      if (closed) throw new UnavailableError('shutting-down', OVERLOADED_RETRY_MS);
      if (damage !== undefined) throw new UnavailableError('storage-unavailable', 60_000);
      log.assertWritable();
      if (commits.pendingItems >= PENDING_EVENTS_MAX) {
        throw new UnavailableError('overloaded', OVERLOADED_RETRY_MS);
      }
      const at = Math.max(recordClock.now(), state.lastAt);
      const result = work(createTransaction(state, at, (event) => void commits.add(event)));
      return { result, durable: commits.pending() };
    },
    event: (sequence) => reader.event(sequence),
    async eventsAfter(sequence, limit) {
      const last = state.published.lastSequence;
      if (sequence >= last) return [];
      return await reader.eventsFrom(sequence + 1, Math.min(limit, last - sequence));
    },
    async close() {
      closed = true;
      await commits.pending()?.catch(() => undefined);
      await snapshotter.close();
      await reader.close();
      await log.close();
    },
  };
}
