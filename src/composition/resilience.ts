import { type RepositoryBulkheads, limitRepository } from '../application/limited-repository.js';
import type { InventoryRepository } from '../application/ports.js';
import type { SyncStatistics } from '../application/sync-control.js';
import type { ServiceMetrics } from './metrics.js';
import type { Config } from '../config.js';
import { UnavailableError } from '../domain/errors.js';
import { type Admission, createAdmission } from '../http/admission/admission.js';
import type { ReadinessFacts } from '../http/readiness.js';
import type { Logger } from '../observability/logger.js';
import type { ResilienceStatistics } from '../observability/resilience-metrics.js';
import { createBulkhead } from '../resilience/bulkhead.js';
import { type RateLimit, type RateLimiter, createRateLimiter } from '../resilience/rate-limiter.js';
import {
  type BreakerState,
  type CircuitBreaker,
  createCircuitBreaker,
} from '../resilience/circuit-breaker.js';
import type { FileInventoryRepository } from '../storage/file/file-inventory-repository.js';
import type { System } from '../system.js';

/** Counts batches written to the disk: the last 10, and at least 5 before the breaker may open. */
const STORAGE_BREAKER = { window: 10, callsMin: 5 };
/** How long a decision may wait for its slot, in ms. */
const DECISION_WAIT_MS_MAX = 1_000;
/** libuv has four threads for files: at least one is left to log writes. */
const LOG_READS_MAX = 3;
const LOG_READS_QUEUE_MAX = 10_000;
const LOG_READ_WAIT_MS_MAX = 10_000;
const OVERLOADED_RETRY_MS = 1_000;

export interface Resilience {
  readonly admission: Admission;
  limit<T extends InventoryRepository>(repository: T): T;
  /** The given statistics and its own, except those of the admission lanes. */
  statistics(others: ResilienceStatistics): ResilienceStatistics;
}

/** The circuit breaker of the disk. */
export function createStorageBreaker({ config, system, log }: ResilienceParts): CircuitBreaker {
  const { breakerThreshold: threshold, breakerCooldownMs: cooldownMs } = config;
  const policy = { threshold, cooldownMs, ...STORAGE_BREAKER };
  return createCircuitBreaker(policy, system.clock, breakerChanged(log, 'storage'));
}

export interface ResilienceParts {
  readonly config: Config;
  readonly system: System;
  readonly log: Logger;
}

/** `limiter` undefined: this process has token buckets of its own. */
export interface ResilienceDeps extends ResilienceParts {
  /**
   * The storage decides in turns and limits the work that waits for one. A bulkhead would hold its
   * slots during that wait, which includes the syncs of earlier turns.
   */
  readonly decidesInTurns: boolean;
  readonly storageBreaker: CircuitBreaker;
  readonly limiter: RateLimiter | undefined;
}

function breakerChanged(log: Logger, name: string) {
  return (state: BreakerState) => log.warn({ breaker: name, state }, 'a circuit breaker changed');
}

export function rateLimitOf({ rateLimitPerSecond, rateLimitBurst }: Config): RateLimit {
  return { perSecond: rateLimitPerSecond, burst: rateLimitBurst };
}

/** The resilience parts of the service, except those of the sync worker. */
export function createResilience(deps: ResilienceDeps): Resilience {
  const { config, system, log, storageBreaker } = deps;
  const breaker = { threshold: config.breakerThreshold, cooldownMs: config.breakerCooldownMs };
  const refusal = () => new UnavailableError('overloaded', OVERLOADED_RETRY_MS);
  const limit = rateLimitOf(config);
  const admission = createAdmission({
    system,
    breaker,
    limit,
    limiter: deps.limiter ?? createRateLimiter(limit),
    behindProxy: config.trustProxy !== undefined,
    queueMax: config.loadShedQueueMax,
    onBreaker: (lane, state) => breakerChanged(log, `api ${lane}`)(state),
    onRefused: (refused) => log.warn(refused, 'requests were refused in the last second'),
  });
  const decisions = createBulkhead({
    ...system,
    refusal,
    slots: config.concurrencyApi,
    queueMax: config.loadShedQueueMax,
    waitMsMax: DECISION_WAIT_MS_MAX,
  });
  const bulkheads: RepositoryBulkheads = {
    decisions: deps.decidesInTurns ? undefined : decisions,
    logReads: createBulkhead({
      ...system,
      refusal,
      slots: LOG_READS_MAX,
      queueMax: LOG_READS_QUEUE_MAX,
      waitMsMax: LOG_READ_WAIT_MS_MAX,
    }),
  };

  return {
    admission,
    limit: (repository) => limitRepository(repository, bulkheads),
    statistics: ({ circuitBreakers, bulkheads: others }) => ({
      circuitBreakers: { storage: storageBreaker.statistics(), ...circuitBreakers },
      bulkheads: {
        api: decisions.statistics(),
        'log reads': bulkheads.logReads.statistics(),
        ...others,
      },
    }),
  };
}

/** The facts behind the readiness probe. */
export function readinessFacts(parts: {
  readonly repository: FileInventoryRepository;
  readonly admission: Admission;
  readonly metrics: ServiceMetrics;
  /** Undefined statistics: another process holds the central view and knows its sources. */
  readonly sync: { statistics(): SyncStatistics | undefined };
}): ReadinessFacts {
  const { reads, writes } = parts.admission.statistics().lanes;
  const breakers = Object.entries(parts.metrics.resilience().circuitBreakers);
  const sources = parts.sync.statistics()?.sources ?? [];
  return {
    takesWrites: parts.repository.takesWrites(),
    failingSources: sources.filter(({ up }) => !up).map(({ name }) => name),
    openBreakers: breakers.filter(([, { state }]) => state !== 'closed').map(([name]) => name),
    areReadsStopped: reads.isStopped,
    queue: { reads: reads.queued, writes: writes.queued, max: reads.queueMax },
  };
}
