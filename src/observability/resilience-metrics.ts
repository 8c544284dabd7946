import type { BreakerState, BreakerStatistics } from '../resilience/circuit-breaker.js';
import type { BulkheadStatistics } from '../resilience/bulkhead.js';
import { type MetricFamily, type NumberSample, counter, gauge } from './metric-family.js';

/** All breakers and bulkheads of the service, by name. */
export interface ResilienceStatistics {
  readonly circuitBreakers: Readonly<Record<string, BreakerStatistics>>;
  readonly bulkheads: Readonly<Record<string, BulkheadStatistics>>;
}

const STATES: readonly BreakerState[] = ['closed', 'half-open', 'open'];

export function resilienceFamilies(statistics: ResilienceStatistics): readonly MetricFamily[] {
  const breakers = Object.entries(statistics.circuitBreakers);
  const bulkheads = Object.entries(statistics.bulkheads);

  function ofBulkheads(figure: (bulkhead: BulkheadStatistics) => number): NumberSample[] {
    return bulkheads.map(([bulkhead, each]) => ({ labels: { bulkhead }, value: figure(each) }));
  }

  return [
    gauge(
      'inventory_breaker_state',
      'Circuit breakers: 1 for the current state of each, 0 for the others.',
      breakers.flatMap(([breaker, { state }]) =>
        STATES.map((each) => ({
          labels: { breaker, state: each },
          value: Number(each === state),
        })),
      ),
      'each',
    ),
    counter(
      'inventory_breaker_calls_total',
      'Calls by outcome; refused: the breaker did not let them through.',
      breakers.flatMap(([breaker, { successes, failures, refused }]) =>
        Object.entries({ success: successes, failure: failures, refused }).map(
          ([outcome, value]) => ({ labels: { breaker, outcome }, value }),
        ),
      ),
    ),
    counter(
      'inventory_breaker_opened_total',
      'How often a breaker has opened.',
      breakers.map(([breaker, { opened }]) => ({ labels: { breaker }, value: opened })),
    ),
    gauge(
      'inventory_bulkhead_slots',
      'Tasks that may run at once.',
      ofBulkheads(({ slots }) => slots),
      'each',
    ),
    gauge(
      'inventory_bulkhead_active',
      'Tasks that are running.',
      ofBulkheads(({ active }) => active),
      'each',
    ),
    gauge(
      'inventory_bulkhead_queued',
      'Tasks that wait for a slot.',
      ofBulkheads(({ queued }) => queued),
      'each',
    ),
    counter(
      'inventory_bulkhead_run_total',
      'Tasks started.',
      ofBulkheads(({ run }) => run),
    ),
    counter(
      'inventory_bulkhead_refused_total',
      'Tasks that were not run: the queue was full, or the wait too long.',
      ofBulkheads(({ refused }) => refused),
    ),
  ];
}
