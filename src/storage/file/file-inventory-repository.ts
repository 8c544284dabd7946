import type { InventoryRepository, Transacted, Transaction } from '../../application/ports.js';
import type { RecordClock } from '../../application/record-clock.js';
import { UnavailableError } from '../../domain/errors.js';
import { type InventoryEvent, partsOf } from '../../domain/events.js';
import type { CircuitBreaker } from '../../resilience/circuit-breaker.js';
import { type FailedAttempt, type RetryPolicy, createRetry } from '../../resilience/retry.js';
import type { System } from '../../system.js';
import { createDurableReads } from '../durable-reads.js';
import { runTransaction } from '../transaction.js';
import { type DataPaths, dataPaths } from './disk/data-directory.js';
import { DataDirectoryError, StorageFatalError } from './disk/errors.js';
import { createEventLog } from './log/event-log.js';
import type { FileSystem } from './disk/file-system.js';
import { createGroupCommit } from './log/group-commit.js';
import { createLogReader } from './log/log-reader.js';
import { createWriteProbe } from './log/write-probe.js';
import { createDamageGate } from './integrity/damage-gate.js';
import type { SegmentChecker } from './integrity/segment-checker.js';
import type { PresenceLock } from './disk/presence-lock.js';
import { recover } from './recovery/recovery.js';
import { type SnapshotPolicy, isRotationDue } from './snapshot/snapshot-policy.js';
import { createSnapshotter } from './snapshot/snapshotter.js';

/** Pending weight at which new writes are refused: events, plus their parts. */
const PENDING_WEIGHT_MAX = 100_000;
const OVERLOADED_RETRY_MS = 1_000;

export interface FileRepositoryDeps {
  readonly root: string;
  readonly fileSystem: FileSystem;
  readonly system: System;
  readonly recordClock: RecordClock;
  readonly segmentChecker: SegmentChecker;
  readonly snapshotPolicy: SnapshotPolicy;
  readonly snapshotRetry: RetryPolicy;
  /** For writes: spares a disk that keeps failing for longer; omitted: a retry every second. */
  readonly breaker?: CircuitBreaker;
  readonly report: StorageReport;
  /** The lock on the directory; once it is lost, nothing more is acknowledged. */
  readonly presence?: Pick<PresenceLock, 'isHeld'>;
}

/** Messages of storage for the operator; the caller decides where they go. */
export interface StorageReport {
  warning(message: string): void;
  /** Writes are refused from now on, with the reason; undefined: they are accepted again. */
  writable(problem: unknown): void;
  snapshot(made: { readonly sequence: number; readonly bytes: number }): void;
  /** These events became durable as one batch, this long after they were handed to the log. */
  committed(events: readonly InventoryEvent[], durationMs: number): void;
  /** Continuing would break a promise: end the process, acknowledge nothing more. */
  fatal(error: unknown): void;
}

/** The result of recovery at start. */
export interface RecoveryFigures {
  readonly records: number;
  readonly events: number;
  readonly replayed: number;
  readonly clean: boolean;
  readonly tornBytes: number;
  readonly epoch: number;
  readonly durationMs: number;
}

/** Current sizes. */
export interface RepositoryStatistics {
  readonly durableSequence: number;
  readonly records: number;
  readonly reservations: number;
  readonly idempotencyKeys: number;
  /** Events that are not durable yet, and their weight, which is limited. */
  readonly pendingEvents: number;
  readonly pendingWeight: number;
}

export interface FileInventoryRepository extends InventoryRepository {
  readonly recovery: RecoveryFigures;
  statistics(): RepositoryStatistics;
  /** False while the disk refuses writes, or once damage was found; reads continue. */
  takesWrites(): boolean;
}

/**
 * Recovers the directory and opens it for writing. Rejects with DataDirectoryError if it must not
 * be used. Without room on disk it opens for reading; the first transaction after there is room
 * opens it for writing. The caller holds the presence lock.
 */
export async function openFileInventoryRepository(
  deps: FileRepositoryDeps,
): Promise<FileInventoryRepository> {
  const { fileSystem, system, recordClock, report, snapshotPolicy, segmentChecker, presence } =
    deps;
  const paths: DataPaths = dataPaths(deps.root);
  const startedAt = system.clock.monotonicMs();
  const onWarning = (message: string): void => report.warning(message);
  const recovered = await recover({ fileSystem, paths, ids: system.ids, onWarning });
  const { state, clean, replayed, snapshotSequence } = recovered;
  recordClock.notBefore(state.lastAt);

  let closed = false;
  const gate = createDamageGate({ segmentChecker, report, isStopping: () => closed });
  const log = createEventLog(
    {
      fileSystem,
      paths,
      clock: system.clock,
      onWarning,
      ...(deps.breaker !== undefined && { breaker: deps.breaker }),
      now: () => recordClock.now(),
      assertOurs() {
        if (presence?.isHeld() !== false) return;
        throw new StorageFatalError(`${deps.root} may be in use by another server: lock is lost`);
      },
      rotationDue: ({ offsets, bytes }) =>
        isRotationDue({ events: offsets.count, bytes }, snapshotter.isDue),
      onDurable: (sequence) => state.publish(sequence),
      onOpened: () => void reader.close(),
      onSealed: () => snapshotter.onSealed(),
      onFatal: (error) => report.fatal(error),
      onWritable(problem) {
        gate.onWritable(problem);
        if (problem !== undefined) probe.schedule();
      },
    },
    recovered,
  );
  const snapshotter = createSnapshotter(
    {
      fileSystem,
      paths,
      clock: system.clock,
      policy: snapshotPolicy,
      freeze: () => state.published.freeze(),
      retry: createRetry(deps.snapshotRetry, system),
      onRetry: onSnapshotRetry,
      onMade: (made) => report.snapshot(made),
      onFailed: onSnapshotFailed,
    },
    log.manifests,
  );
  const commits = createGroupCommit<InventoryEvent>({
    timers: system.timers,
    now: () => system.clock.monotonicMs(),
    async write(events) {
      const startedAtMs = system.clock.monotonicMs();
      await log.write(events);
      if (events.length > 0) report.committed(events, system.clock.monotonicMs() - startedAtMs);
    },
    onFailed: () => state.dropPending(),
    weigh: (event) => 1 + partsOf(event),
  });
  const probe = createWriteProbe({
    timers: system.timers,
    isNeeded: () => !closed && gate.isOpen && !log.takesWrites,
    attempt: () => (log.isOpen ? commits.flush() : log.open()),
  });
  // Single values: a closure over `recovered` would keep the whole segment in memory.
  const { name, offsets, scan, bytes } = recovered.active;
  const tornBytes = bytes.length - scan.goodBytes;
  const recoveredSegment = { name, offsets, bytes: scan.goodBytes };
  const reader = createLogReader({
    fileSystem,
    paths,
    sealed: () => log.manifests.current.sealed,
    active: () => log.active ?? recoveredSegment,
  });

  function onSnapshotFailed(error: unknown): void {
    if (error instanceof StorageFatalError) log.die(error);
    else if (error instanceof DataDirectoryError) gate.close(error.message);
    else report.warning(`no snapshot was made: ${String(error)}`);
  }

  function onSnapshotRetry({ error, delayMs }: FailedAttempt): void {
    report.warning(`no snapshot was made, tried again in ${delayMs} ms: ${String(error)}`);
  }

  function assertTaken(): void {
    if (closed) throw new UnavailableError('shutting-down', OVERLOADED_RETRY_MS);
    gate.assertOpen();
    log.assertWritable();
    if (commits.pendingWeight >= PENDING_WEIGHT_MAX) {
      throw new UnavailableError('overloaded', OVERLOADED_RETRY_MS);
    }
  }

  function transactNow<T>(work: (transaction: Transaction) => T): Transacted<T> {
    assertTaken();
    const at = Math.max(recordClock.now(), state.lastAt);
    const { result, appended } = runTransaction(state, at, work);
    for (const event of appended) void commits.add(event);
    return { result, durable: commits.pending() };
  }

  await log.open().catch(() => undefined);
  void gate.check(log.manifests.current.sealed, snapshotSequence);
  const recovery: RecoveryFigures = {
    replayed,
    clean,
    tornBytes,
    epoch: log.epoch,
    records: state.published.counts.records,
    events: state.lastSequence,
    durationMs: system.clock.monotonicMs() - startedAt,
  };
  return {
    ...createDurableReads(state.published),
    recovery,
    nodeId: log.manifests.current.nodeId,
    statistics() {
      const { records, reservations, keys } = state.published.counts;
      const durableSequence = state.published.lastSequence;
      return {
        durableSequence,
        records,
        reservations,
        idempotencyKeys: keys,
        pendingEvents: state.lastSequence - durableSequence,
        pendingWeight: commits.pendingWeight,
      };
    },
    takesWrites: () => gate.isOpen && log.takesWrites,
    now: () => recordClock.now(),
    durableSequence: () => state.published.lastSequence,
    transact(work) {
      if (log.isOpen) return transactNow(work);
      assertTaken();
      return log.open().then(() => transactNow(work));
    },
    event: (sequence) => reader.event(sequence),
    eventsAfter: (sequence, limit) =>
      reader.eventsFrom(sequence + 1, Math.min(limit, state.published.lastSequence - sequence)),
    movementsAfter: (sequence, limit) =>
      reader.movementsFrom(sequence + 1, Math.min(limit, state.published.lastSequence - sequence)),
    async close() {
      closed = true;
      probe.cancel();
      await Promise.race([log.death, commits.pending()?.catch(() => undefined)]);
      await segmentChecker.close();
      await snapshotter.close();
      await reader.close();
      await log.close();
    },
  };
}
