import type { MovementLog } from '../../src/application/ports.js';
import { createBulkhead } from '../../src/resilience/bulkhead.js';
import { createCircuitBreaker } from '../../src/resilience/circuit-breaker.js';
import { createRetry } from '../../src/resilience/retry.js';
import { createMemoryAggregateRepository } from '../../src/storage/memory/memory-aggregate-repository.js';
import { type Sync, type SyncDeps, createSync } from '../../src/sync/create-sync.js';
import type { EventSource } from '../../src/sync/event-source.js';
import { createLogSource } from '../../src/sync/log-source.js';
import type { System } from '../../src/system.js';

/** The central view of one log, kept in memory; its timer is off. */
export function createOwnSync(
  log: MovementLog & { now(): number },
  system: System,
  around: (source: EventSource) => EventSource = (source) => source,
): Sync {
  return createTestSync({
    system,
    now: () => log.now(),
    sources: [around(createLogSource(log))],
    aggregate: createMemoryAggregateRepository(),
  });
}

/** Set aside at the first look, unless said otherwise. */
export function createTestSync(
  deps: Pick<SyncDeps, 'sources' | 'aggregate' | 'now'> &
    Partial<SyncDeps> & { readonly system: System },
): Sync {
  const { system, retryTimes = 0 } = deps;
  return createSync({
    retryTimes,
    intervalMs: 15_000,
    retry: createRetry({ baseMs: 1_000, times: retryTimes }, system),
    bulkhead: createBulkhead({
      slots: 4,
      queueMax: 100,
      waitMsMax: 60_000,
      clock: system.clock,
      timers: system.timers,
      refusal: (reason) => new Error(reason),
    }),
    breakerFor: () =>
      createCircuitBreaker(
        { threshold: 0.5, cooldownMs: 30_000, window: 10, callsMin: 3 },
        system.clock,
      ),
    onError: () => undefined,
    ...deps,
  });
}
