import type { CallOut } from '../application/outgoing-call.js';
import type { Config } from '../config.js';
import { UnavailableError } from '../domain/errors.js';
import type { Logger } from '../observability/logger.js';
import type { ResilienceStatistics } from '../observability/resilience-metrics.js';
import { createBulkhead } from '../resilience/bulkhead.js';
import { type CircuitBreaker, createCircuitBreaker } from '../resilience/circuit-breaker.js';
import { createRetry } from '../resilience/retry.js';
import { DataDirectoryError } from '../storage/file/disk/errors.js';
import type { FileSystem } from '../storage/file/disk/file-system.js';
import { openFileAggregateRepository } from '../storage/file/central/file-aggregate-repository.js';
import type { FileInventoryRepository } from '../storage/file/file-inventory-repository.js';
import { type Sync, createSync } from '../sync/create-sync.js';
import { createFeedSource } from '../sync/feed-source.js';
import { OWN_LOG, createLogSource } from '../sync/log-source.js';
import type { System } from '../system.js';

/** The minimum size of the journals before they are merged into a new base, in bytes. */
const JOURNAL_BYTES_MIN = 8 * 1024 * 1024;
/** Enough for all conceivable sources: each has at most one page in progress. */
const BULKHEAD_QUEUE_MAX = 10_000;
const BULKHEAD_WAIT_MS_MAX = 60_000;
const OVERLOADED_RETRY_MS = 1_000;
/** A breaker counts the last runs of its source. */
const BREAKER_RUNS = { window: 10, callsMin: 3 };

export interface SyncParts {
  readonly config: Config;
  readonly system: System;
  readonly fileSystem: FileSystem;
  readonly repository: FileInventoryRepository;
  readonly log: Logger;
  readonly onFatal: (error: unknown) => void;
  /** How other nodes are called. */
  readonly callOut: CallOut;
}

export interface RunningSync extends Sync {
  /** Runs a last time, for at most `graceMs`, and closes the files. */
  close(graceMs: number): Promise<void>;
  /** Statistics of its breakers and its bulkhead. */
  resilience(): ResilienceStatistics;
}

/** Opens the central view of the node's own log, or of the configured sources. */
export async function openSync(parts: SyncParts): Promise<RunningSync> {
  const { config, system, fileSystem, repository, log, onFatal, callOut } = parts;
  const { clock, timers } = system;
  const aggregate = await openFileAggregateRepository({
    root: config.dataDir,
    fileSystem,
    clock,
    onFatal,
    journalBytesMin: JOURNAL_BYTES_MIN,
    onWarning: (message) => log.warn(message),
  });
  const sources =
    config.syncSources.length === 0
      ? [createLogSource(repository)]
      : config.syncSources.map((source) => createFeedSource(source, { timers, callOut }));
  try {
    const names = sources.map(({ name }) => name);
    const gone = await aggregate.retainSources(names, repository.now());
    if (gone.length > 0) {
      log.warn({ gone }, 'sources that are not configured any more were dropped');
    }
    assertLogReaches(aggregate.progressOf(OWN_LOG), parts);
  } catch (error) {
    await aggregate.close();
    throw error;
  }
  const breakers: [name: string, breaker: CircuitBreaker][] = [];
  const bulkhead = createBulkhead({
    clock,
    timers,
    slots: config.concurrencySync,
    queueMax: BULKHEAD_QUEUE_MAX,
    waitMsMax: BULKHEAD_WAIT_MS_MAX,
    refusal: () => new UnavailableError('overloaded', OVERLOADED_RETRY_MS),
  });
  const sync = createSync({
    sources,
    aggregate,
    system,
    now: () => repository.now(),
    intervalMs: config.syncIntervalMs,
    retryTimes: config.retryTimes,
    retry: createRetry({ baseMs: config.retryBaseMs, times: config.retryTimes }, system),
    bulkhead,
    breakerFor(source) {
      const breaker = createCircuitBreaker(
        {
          threshold: config.breakerThreshold,
          cooldownMs: config.breakerCooldownMs,
          ...BREAKER_RUNS,
        },
        clock,
        (state) => log.info({ source, state }, 'the circuit breaker of a source changed'),
      );
      breakers.push([`sync ${source}`, breaker]);
      return breaker;
    },
    onError(source, error) {
      if (error === undefined) log.info({ source }, 'a source of the central view has recovered');
      else log.warn({ source, err: error }, 'a source of the central view cannot be folded');
    },
  });
  if (config.syncEnabled) {
    sync.worker.start();
    sync.worker.nudge();
  }
  return {
    ...sync,
    resilience: () => ({
      bulkheads: { sync: bulkhead.statistics() },
      circuitBreakers: Object.fromEntries(
        breakers.map(([name, breaker]) => [name, breaker.statistics()]),
      ),
    }),
    async close(graceMs) {
      await sync.worker.close(graceMs);
      await aggregate.close();
    },
  };
}

/** Folded events were durable: a log that ends before them has lost acknowledged events. */
function assertLogReaches(
  folded: { readonly nodeId: string | undefined; readonly sequence: number } | undefined,
  { config, repository }: SyncParts,
): void {
  const { nodeId, recovery } = repository;
  const end = Math.max(recovery.events, repository.durableSequence());
  if (folded?.nodeId !== nodeId || folded.sequence <= end) return;
  throw new DataDirectoryError(
    `${config.dataDir}: the log ends at event ${end}, but the central view was folded ` +
      `up to event ${folded.sequence}, which was acknowledged`,
  );
}
