import type { BreakerState, BreakerStatistics } from '../resilience/circuit-breaker.js';
import type { BulkheadStatistics } from '../resilience/bulkhead.js';
import type { MetricFamily } from './metric-family.js';
import type { Counted } from './metrics.js';
import type { ResilienceStatistics } from './resilience-metrics.js';

/** Everything that one process has counted since its start, as plain data. */
export interface Reading {
  readonly families: readonly MetricFamily[];
  readonly resilience: ResilienceStatistics;
}

/** The merged counts of several processes since the last reset. */
export interface MergedCounts extends Counted {
  readonly resilience: ResilienceStatistics;
}

const WORST_FIRST: readonly BreakerState[] = ['open', 'half-open', 'closed'];

/** Merges by name: the worst state of each breaker, the sum of each count. */
export function mergeResilience(all: readonly ResilienceStatistics[]): ResilienceStatistics {
  return {
    circuitBreakers: byName(
      all.map(({ circuitBreakers }) => circuitBreakers),
      mergeBreakers,
    ),
    bulkheads: byName(
      all.map(({ bulkheads }) => bulkheads),
      mergeBulkheads,
    ),
  };
}

function byName<T>(
  all: readonly Readonly<Record<string, T>>[],
  join: (one: T, other: T) => T,
): Record<string, T> {
  const joined = new Map<string, T>();
  for (const [name, each] of all.flatMap((named) => Object.entries(named))) {
    const before = joined.get(name);
    joined.set(name, before === undefined ? each : join(before, each));
  }
  return Object.fromEntries(joined);
}

function mergeBreakers(one: BreakerStatistics, other: BreakerStatistics): BreakerStatistics {
  const states = [one.state, other.state];
  return {
    state: WORST_FIRST.find((state) => states.includes(state)) ?? one.state,
    successes: one.successes + other.successes,
    failures: one.failures + other.failures,
    refused: one.refused + other.refused,
    opened: one.opened + other.opened,
  };
}

function mergeBulkheads(one: BulkheadStatistics, other: BulkheadStatistics): BulkheadStatistics {
  return {
    slots: one.slots + other.slots,
    active: one.active + other.active,
    queued: one.queued + other.queued,
    queueMax: one.queueMax + other.queueMax,
    run: one.run + other.run,
    refused: one.refused + other.refused,
  };
}
