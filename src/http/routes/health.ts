import type { IRouter, Request, Response } from 'express';
import type { z } from 'zod';
import type { Clock } from '../../system.js';
import { READ, type SendAnswer } from '../answer.js';
import { refuseQuery } from '../request-input.js';
import type { HealthMetricsBody } from '../schemas/metrics-schemas.js';
import type { healthSchema, livenessSchema } from '../schemas/response-schemas.js';
import { type ReadinessBody, type ReadinessFacts, readinessOf } from '../readiness.js';
import { methodNotAllowed } from '../route-deps.js';
import { type MetricsSource, metricsBody } from './metrics.js';
import { timeText } from '../../time-text.js';

const LIVENESS = JSON.stringify({ status: 'ok' } satisfies z.infer<typeof livenessSchema>);

/** Answered from memory, also while the server drains: it must not look broken to a probe. */
export function healthRoutes(
  router: IRouter,
  deps: {
    readonly clock: Clock;
    readonly version: string;
    readonly metrics: MetricsSource;
    readonly readiness: () => ReadinessFacts;
    readonly draining: () => boolean;
    readonly send: SendAnswer;
  },
): void {
  const { clock, version, metrics, send } = deps;
  const startedAtMs = clock.monotonicMs();
  router.route('/api/health').get(health).all(methodNotAllowed('GET', 'HEAD'));
  router.route('/api/health/liveness').get(liveness).all(methodNotAllowed('GET', 'HEAD'));
  router.route('/api/health/readiness').get(readiness).all(methodNotAllowed('GET', 'HEAD'));
  router.route('/api/health/metrics').get(everything).all(methodNotAllowed('GET', 'HEAD'));

  function present(): z.infer<typeof healthSchema> {
    return {
      status: 'ok',
      uptime: Math.round(clock.monotonicMs() - startedAtMs) / 1_000,
      timestamp: timeText(clock.wallMs()),
      version,
    };
  }

  function health(request: Request, response: Response): void {
    refuseQuery(request);
    send(request, response, { status: 200, headers: READ, body: JSON.stringify(present()) });
  }

  function readinessNow(): ReadinessBody {
    return readinessOf(deps.readiness(), deps.draining());
  }

  function readiness(request: Request, response: Response): void {
    refuseQuery(request);
    const body = readinessNow();
    const status = body.ready ? 200 : 503;
    send(request, response, { status, headers: READ, body: JSON.stringify(body) });
  }

  async function everything(request: Request, response: Response): Promise<void> {
    refuseQuery(request);
    const reading = await metrics.read();
    const body: HealthMetricsBody = {
      ...present(),
      readiness: readinessNow(),
      ...reading.resilience,
      ...metricsBody(reading),
    };
    send(request, response, { status: 200, headers: READ, body: JSON.stringify(body) });
  }

  function liveness(request: Request, response: Response): void {
    refuseQuery(request);
    send(request, response, { status: 200, headers: READ, body: LIVENESS });
  }
}
