import { type Request, type Response, Router } from 'express';
import { STOCK_BODY_BYTES_MAX } from '../body-limits.js';
import { jsonBody } from '../json-body.js';
import type { MetricsBody, ResilienceBody } from '../metrics-schemas.js';
import { READ, type SendAnswer, WRITTEN } from '../answer.js';
import { parseBody, refuseQuery } from '../request-input.js';
import { nothingSchema } from '../request-schemas.js';
import { methodNotAllowed } from '../route-deps.js';
import { timeText } from '../../time-text.js';

/** What the service has counted. */
export interface MetricsSource {
  /** Wall time, ms since the epoch, from which it counts. */
  readonly sinceMs: number;
  json(): MetricsBody['metrics'];
  /** How circuit breakers and bulkheads stand. */
  resilience(): ResilienceBody;
  /** The text format 0.0.4 of Prometheus. */
  text(): string;
  /** Counts from zero again. */
  reset(): void;
}

const TEXT = [
  'Content-Type',
  'text/plain; version=0.0.4; charset=utf-8',
  'Cache-Control',
  'no-cache',
];

export function metricsRoutes(deps: {
  readonly metrics: MetricsSource;
  readonly send: SendAnswer;
  /** Whether the counts may be set back: not where an alert may look at them. */
  readonly mayReset: boolean;
}): Router {
  const { metrics, send, mayReset } = deps;
  const router = Router({ caseSensitive: true, strict: true });
  router.route('/metrics').get(text).all(methodNotAllowed('GET', 'HEAD'));
  router.route('/api/metrics').get(json).all(methodNotAllowed('GET', 'HEAD'));
  if (mayReset) {
    const body = jsonBody({ limitBytes: STOCK_BODY_BYTES_MAX, allowEmpty: true });
    router.route('/api/metrics/reset').post(body, reset).all(methodNotAllowed('POST'));
  }
  return router;

  function text(request: Request, response: Response): void {
    refuseQuery(request);
    send(request, response, { status: 200, headers: TEXT, body: metrics.text() });
  }

  function json(request: Request, response: Response): void {
    refuseQuery(request);
    send(request, response, { status: 200, headers: READ, body: bodyText() });
  }

  function reset(request: Request, response: Response): void {
    refuseQuery(request);
    parseBody(nothingSchema, request);
    metrics.reset();
    send(request, response, { status: 200, headers: WRITTEN, body: bodyText() });
  }

  function bodyText(): string {
    return JSON.stringify(metricsBody(metrics));
  }
}

export function metricsBody(metrics: MetricsSource): MetricsBody {
  return { since: timeText(metrics.sinceMs), metrics: metrics.json() };
}
