import type { HttpAppDeps } from '../../src/http/http-app.js';
import { metricsOfOne } from '../../src/composition/metrics.js';
import {
  type RequestMetrics,
  createRequestMetrics,
} from '../../src/observability/request-metrics.js';
import type { Clock } from '../../src/system.js';

type HttpObservation = Pick<HttpAppDeps, 'observe' | 'outcomes' | 'metrics' | 'mayResetMetrics'>;

/** Nobody looks on; the metrics are those of a service that has taken two requests. */
export function createExampleObservation(clock: Clock): HttpObservation {
  const requests = createRequestMetrics();
  const route = '/api/inventory/stores/:storeId/inventory/:sku/reserve';
  for (const [status, durationMs] of [
    [201, 2],
    [422, 0.75],
  ] as const) {
    requests.started();
    requests.ended('POST', route, status, durationMs);
  }
  requests.refused('insufficient-stock');
  return {
    observe: () => undefined,
    outcomes: {
      refused: () => undefined,
      replayed: () => undefined,
      connectionRefused: () => undefined,
      turnedAway: () => undefined,
    },
    metrics: metricsOf(clock, requests),
    mayResetMetrics: true,
  };
}

/** As the service shows them, of what the edge alone counts. */
export function metricsOf(clock: Clock, requests: RequestMetrics): HttpObservation['metrics'] {
  return metricsOfOne(clock, {
    read: () => ({ families: requests.collect(), resilience: allIsWell() }),
    resilience: allIsWell,
  });
}

/** Of breakers and bulkheads that have had nothing to do. */
function allIsWell() {
  const none = { successes: 0, failures: 0, refused: 0, opened: 0 };
  const idle = { active: 0, queued: 0, queueMax: 10_000, run: 0, refused: 0 };
  return {
    circuitBreakers: { 'sync own': { state: 'closed' as const, ...none } },
    bulkheads: { sync: { slots: 4, ...idle } },
  };
}
