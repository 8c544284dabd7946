import { type Request, type Response, Router } from 'express';
import type { z } from 'zod';
import type { Clock } from '../../system.js';
import { READ, type SendAnswer } from '../answer.js';
import { refuseQuery } from '../request-input.js';
import type { healthSchema, livenessSchema } from '../response-schemas.js';
import { methodNotAllowed } from '../route-deps.js';
import { timeText } from '../../time-text.js';

const LIVENESS = JSON.stringify({ status: 'ok' } satisfies z.infer<typeof livenessSchema>);

/** Answered from memory, also while the server drains: to a probe that must not look broken. */
export function healthRoutes(deps: {
  readonly clock: Clock;
  readonly version: string;
  readonly send: SendAnswer;
}): Router {
  const { clock, version, send } = deps;
  const startedAtMs = clock.monotonicMs();
  const router = Router({ caseSensitive: true, strict: true });
  router.route('/api/health').get(health).all(methodNotAllowed('GET', 'HEAD'));
  router.route('/api/health/liveness').get(liveness).all(methodNotAllowed('GET', 'HEAD'));
  return router;

  function health(request: Request, response: Response): void {
    refuseQuery(request);
    const body: z.infer<typeof healthSchema> = {
      status: 'ok',
      uptime: Math.round(clock.monotonicMs() - startedAtMs) / 1_000,
      timestamp: timeText(clock.wallMs()),
      version,
    };
    send(request, response, { status: 200, headers: READ, body: JSON.stringify(body) });
  }

  function liveness(request: Request, response: Response): void {
    refuseQuery(request);
    send(request, response, { status: 200, headers: READ, body: LIVENESS });
  }
}
