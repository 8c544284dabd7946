import type { Transacted, Transaction, TransactionScope } from '../../../application/ports.js';
import { UnavailableError } from '../../../domain/errors.js';
import type { StockKey } from '../../../domain/keys.js';
import { createRetry } from '../../../resilience/retry.js';
import { runTransaction } from '../../transaction.js';
import { dataPaths } from '../disk/data-directory.js';
import { StorageFatalError } from '../disk/errors.js';
import type { FileInventoryRepository, FileRepositoryDeps } from '../file-inventory-repository.js';
import type { KernelLock } from '../disk/kernel-lock.js';
import { createLogReader } from '../log/log-reader.js';
import { createWriteProbe } from '../log/write-probe.js';
import { createDamageGate } from '../integrity/damage-gate.js';
import type { SharedPresence } from '../disk/presence-lock.js';
import { openMarkFile } from './mark-file.js';
import { openShared } from './open-shared.js';
import { createSharedLog } from './shared-log.js';
import { createSharedReads } from './shared-reads.js';
import { takeSnapshotRole } from './snapshot-role.js';
import { createTurnLock } from './turn-lock.js';
import type { TurnFigures } from './turns.js';

/**
 * Limit of the weight of one turn (events, with their parts) plus the work that waits for it.
 */
const PENDING_WEIGHT_MAX = 100_000;
const OVERLOADED_RETRY_MS = 1_000;
/**
 * Interval at which the log is followed without reads, in ms: for listeners, and so that no read
 * has much to catch up on.
 */
const FOLLOW_EVERY_MS = 50;

export interface SharedRepositoryDeps extends Omit<FileRepositoryDeps, 'presence'> {
  /** Already taken; the repository releases it when it closes. */
  readonly presence: SharedPresence;
  readonly openLock: (path: string) => KernelLock;
  /** Another process has changed this record while work on it waited for its turn. */
  readonly onSuperseded: (key: StockKey) => void;
}

/** The cost of sharing, as counters that never decrease. */
export interface SharingFigures extends TurnFigures {
  /** Decisions on a record that another process had changed since they were requested. */
  superseded: number;
  /** Events of other processes that were folded. */
  followed: number;
}

export interface SharedInventoryRepository extends FileInventoryRepository {
  readonly sharing: Readonly<SharingFigures>;
}

/**
 * One of several processes on one directory; for the protocol see ARCHITECTURE.md, "Several
 * processes". Every write is decided, written and synced in a turn, which one process has at a
 * time.
 */
export async function openSharedInventoryRepository(
  deps: SharedRepositoryDeps,
): Promise<SharedInventoryRepository> {
  const { fileSystem, system, recordClock, report, segmentChecker, presence, openLock } = deps;
  const { timers, clock } = system;
  const paths = dataPaths(deps.root);
  const startedAt = clock.monotonicMs();
  const marks = openMarkFile(paths.watermark);
  const lock = createTurnLock(
    openLock(`${paths.root}/append.lock`),
    openLock(`${paths.root}/next.lock`),
  );
  const onDisk = { fileSystem, paths, marks, presence, assertOurs };
  const onWarning = (message: string): void => report.warning(message);
  const opened = await openShared({ ...onDisk, ids: system.ids, onWarning });
  const { state, manifests, found } = opened;
  const { published } = state;
  recordClock.notBefore(state.lastAt);

  let closing: Promise<void> | undefined;
  const isStopping = (): boolean => closing !== undefined;
  const gate = createDamageGate({ segmentChecker, report, isStopping });
  const log = createSharedLog(
    {
      ...onDisk,
      system,
      lock,
      onWarning,
      onFollowed,
      onOpened: () => void reader.close(),
      ...(deps.breaker !== undefined && { breaker: deps.breaker }),
      now: () => recordClock.now(),
      isRotationDue: ({ offsets, bytes }) =>
        snapshots.isRotationDue({ events: offsets.count, bytes }),
      onSealed: () => snapshots.onSealed(),
      onCommitted: (events, durationMs) => report.committed(events, durationMs),
      onFatal: (error) => report.fatal(error),
      onWritable(problem) {
        gate.onWritable(problem);
        if (problem !== undefined) probe.schedule();
      },
    },
    opened,
  );
  const sharing = Object.assign(log.turns.figures, { superseded: 0, followed: 0 });
  const snapshots = takeSnapshotRole({
    fileSystem,
    paths,
    clock,
    timers,
    manifests,
    report,
    policy: deps.snapshotPolicy,
    turns: log.turns,
    onDamage: (what) => gate.close(what),
    lock: openLock(`${paths.root}/snapshots.lock`),
    retry: createRetry(deps.snapshotRetry, system),
    freeze: () => published.freeze(),
    sealIfDue: () => log.sealIfDue(),
    onFatal: (error) => log.guard.die(error),
  });
  const reader = createLogReader({
    fileSystem,
    paths,
    sealed: () => manifests.current.sealed,
    active: () => log.active,
  });
  const probe = createWriteProbe({
    timers,
    isNeeded: () => closing === undefined && gate.isOpen && !log.guard.takesWrites,
    attempt: () => log.probe(),
  });
  const { catchUp } = log;
  const reads = createSharedReads({ published, isBehind: log.isBehind, catchUp });
  const publishedAfter = (sequence: number): number => published.lastSequence - sequence;
  let cancelFollowing = timers.after(FOLLOW_EVERY_MS, followOn);

  /** The locks exclude others only while their paths still name the locked files. */
  function assertOurs(): void {
    if (presence.isHeld() && lock.isInPlace()) return;
    throw new StorageFatalError(`${paths.root} may be written by another server: a lock is lost`);
  }

  function onFollowed(first: number): void {
    sharing.followed += published.lastSequence + 1 - first;
    recordClock.notBefore(published.lastAt);
  }

  function followOn(): void {
    const goOn = (): void => {
      if (closing !== undefined) return;
      const { offsets, bytes } = log.active;
      if (log.isOpen) snapshots.consider({ events: offsets.count, bytes });
      cancelFollowing = timers.after(FOLLOW_EVERY_MS, followOn);
    };
    reads.fresh().then(goOn, goOn);
  }

  function assertTaken(): void {
    if (closing !== undefined) throw new UnavailableError('shutting-down', OVERLOADED_RETRY_MS);
    gate.assertOpen();
    log.guard.assertWritable();
    if (log.pendingWeight + log.turns.waiting >= PENDING_WEIGHT_MAX) {
      throw new UnavailableError('overloaded', OVERLOADED_RETRY_MS);
    }
  }

  function transactInTurn<T>(
    work: (transaction: Transaction) => T,
    scope: TransactionScope,
  ): Transacted<T> | Promise<Transacted<T>> {
    assertTaken();
    const asked = state.lastSequence;
    return log.turns.run(() => {
      countSuperseded(scope, asked);
      const at = Math.max(recordClock.now(), state.lastAt);
      const { result, appended } = runTransaction(state, at, work);
      for (const event of appended) log.add(event);
      return { result, durable: log.pendingWeight > 0 ? log.turns.durable : undefined };
    });
  }

  /** `asked`: the last event published when the work was requested. */
  function countSuperseded({ records }: TransactionScope, asked: number): void {
    for (const key of records) {
      if ((published.record(key)?.sequence ?? 0) <= asked) continue;
      sharing.superseded += 1;
      deps.onSuperseded(key);
    }
  }

  async function close(): Promise<void> {
    cancelFollowing();
    probe.cancel();
    await segmentChecker.close();
    await Promise.race([log.guard.death, snapshots.close()]);
    await log.close();
    await reader.close();
  }

  await log.open().catch(() => undefined);
  // Only the server that opened the directory alone checks them.
  if (found.alone) void gate.check(manifests.current.sealed, found.snapshotSequence);
  return {
    ...reads.durable,
    sharing,
    nodeId: manifests.current.nodeId,
    recovery: {
      replayed: found.replayed,
      clean: found.clean,
      tornBytes: found.tornBytes,
      epoch: manifests.current.epoch,
      records: published.counts.records,
      events: state.lastSequence,
      durationMs: clock.monotonicMs() - startedAt,
    },
    statistics() {
      const { records, reservations, keys } = published.counts;
      return {
        durableSequence: published.lastSequence,
        records,
        reservations,
        idempotencyKeys: keys,
        pendingEvents: state.lastSequence - published.lastSequence,
        pendingWeight: log.pendingWeight + log.turns.waiting,
      };
    },
    takesWrites: () => gate.isOpen && log.guard.takesWrites,
    now: () => recordClock.now(),
    // The last event that listeners have received: they continue from there.
    durableSequence: () => published.lastSequence,
    transact(work, scope) {
      if (log.isOpen) return transactInTurn(work, scope);
      assertTaken();
      return log.open().then(() => transactInTurn(work, scope));
    },
    async event(sequence) {
      if (sequence > published.lastSequence) await catchUp();
      return await reader.event(sequence);
    },
    async eventsAfter(sequence, limit) {
      await reads.fresh();
      return await reader.eventsFrom(sequence + 1, Math.min(limit, publishedAfter(sequence)));
    },
    async movementsAfter(sequence, limit) {
      await reads.fresh();
      return await reader.movementsFrom(sequence + 1, Math.min(limit, publishedAfter(sequence)));
    },
    close: () => (closing ??= close()),
  };
}
