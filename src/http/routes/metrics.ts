import type { IRouter, Request, Response } from 'express';
import { STOCK_BODY_BYTES_MAX } from '../json/body-limits.js';
import type { JsonBody } from '../json/json-body.js';
import type { MetricsBody, ResilienceBody } from '../schemas/metrics-schemas.js';
import { READ, type SendAnswer, WRITTEN } from '../answer.js';
import { parseBody, refuseQuery } from '../request-input.js';
import { nothingSchema } from '../schemas/request-schemas.js';
import { methodNotAllowed } from '../route-deps.js';
import { timeText } from '../../time-text.js';

/** The counts of the service at one moment, over all of its processes. */
export interface MetricsReading {
  /** Start of the counts: wall time, ms since the epoch. */
  readonly sinceMs: number;
  json(): MetricsBody['metrics'];
  /** Prometheus text format 0.0.4. */
  text(): string;
  /** The state of circuit breakers and bulkheads. */
  readonly resilience: ResilienceBody;
}

export interface MetricsSource {
  read(): MetricsReading | Promise<MetricsReading>;
  /** Resets the counts to zero, and reads them. */
  reset(): MetricsReading | Promise<MetricsReading>;
}

const TEXT = [
  'Content-Type',
  'text/plain; version=0.0.4; charset=utf-8',
  'Cache-Control',
  'no-cache',
];

export function metricsRoutes(
  router: IRouter,
  deps: {
    readonly metrics: MetricsSource;
    readonly send: SendAnswer;
    readonly jsonBody: JsonBody;
    /** Whether the counts may be reset: not where alerts may depend on them. */
    readonly mayReset: boolean;
  },
): void {
  const { metrics, send, mayReset, jsonBody } = deps;
  router.route('/metrics').get(text).all(methodNotAllowed('GET', 'HEAD'));
  router.route('/api/metrics').get(json).all(methodNotAllowed('GET', 'HEAD'));
  if (mayReset) {
    const body = jsonBody({ limitBytes: STOCK_BODY_BYTES_MAX, allowEmpty: true });
    router.route('/api/metrics/reset').post(body, reset).all(methodNotAllowed('POST'));
  }

  async function text(request: Request, response: Response): Promise<void> {
    refuseQuery(request);
    const reading = await metrics.read();
    send(request, response, { status: 200, headers: TEXT, body: reading.text() });
  }

  async function json(request: Request, response: Response): Promise<void> {
    refuseQuery(request);
    const body = JSON.stringify(metricsBody(await metrics.read()));
    send(request, response, { status: 200, headers: READ, body });
  }

  async function reset(request: Request, response: Response): Promise<void> {
    refuseQuery(request);
    parseBody(nothingSchema, request);
    const body = JSON.stringify(metricsBody(await metrics.reset()));
    send(request, response, { status: 200, headers: WRITTEN, body });
  }
}

export function metricsBody(reading: MetricsReading): MetricsBody {
  return { since: timeText(reading.sinceMs), metrics: reading.json() };
}
