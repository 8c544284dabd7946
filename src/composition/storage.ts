import { createRecordClock } from '../application/record-clock.js';
import type { Config } from '../config.js';
import type { Logger } from '../observability/logger.js';
import type { CircuitBreaker } from '../resilience/circuit-breaker.js';
import type {
  FileInventoryRepository,
  StorageReport,
} from '../storage/file/file-inventory-repository.js';
import {
  type FileStorage,
  type SharingOptions,
  openFileStorage,
} from '../storage/file/file-storage.js';
import type { FileSystem } from '../storage/file/disk/file-system.js';
import { isInMemory } from '../storage/file/disk/presence-lock.js';
import { createThreadSegmentChecker } from '../storage/file/integrity/thread-segment-checker.js';
import type { System } from '../system.js';

/** Opens the data directory, for this process alone or shared with others. */
export async function openStorage(deps: {
  readonly config: Config;
  readonly system: System;
  readonly fileSystem: FileSystem;
  readonly report: StorageReport;
  readonly log: Logger;
  readonly breaker: CircuitBreaker;
}): Promise<FileStorage> {
  const { config, system, fileSystem, report, log, breaker } = deps;
  const root = config.dataDir;
  const storage = await openFileStorage({
    root,
    system,
    report,
    breaker,
    fileSystem,
    shared: sharingOf(config),
    recordClock: createRecordClock(system.clock, (jump) =>
      log.warn(jump, 'the wall clock jumped; record time goes on by the monotonic clock'),
    ),
    segmentChecker: createThreadSegmentChecker(root),
    snapshotPolicy: {
      everyEvents: config.snapshotEveryEvents,
      logBytesMin: config.snapshotLogBytesMin,
    },
    snapshotRetry: { baseMs: config.retryBaseMs, times: config.retryTimes },
  });
  if (isInMemory(root)) {
    log.warn(
      { dataDir: root },
      'the data directory is in memory: a restart of the machine loses it',
    );
  }
  return storage;
}

function sharingOf(config: Config): SharingOptions | undefined {
  if (!config.locksEnabled) return undefined;
  const { lockTtlMs, lockRenewMs, lockWaitMs, lockOwnerId } = config;
  return { ttlMs: lockTtlMs, renewMs: lockRenewMs, waitMs: lockWaitMs, ownerId: lockOwnerId };
}

export function logRecovery(
  log: Logger,
  { dataDir }: Config,
  { recovery }: FileInventoryRepository,
): void {
  const figures = { ...recovery, durationMs: Math.round(recovery.durationMs), dataDir };
  if (recovery.tornBytes > 0) log.warn(figures, 'recovered; a torn tail is kept in quarantine/');
  else log.info(figures, 'recovered');
}
