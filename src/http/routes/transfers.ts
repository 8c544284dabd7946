import type { IRouter, Request, Response } from 'express';
import { transferredAnswer } from '../write-answers.js';
import { LINES_BODY_BYTES_MAX } from '../json/body-limits.js';
import { refuseConditions } from '../preconditions.js';
import { parseBody, refuseQuery } from '../request-input.js';
import { transferSchema } from '../schemas/request-schemas.js';
import { type RouteDeps, methodNotAllowed } from '../route-deps.js';

/** Stock that moves from one store to another, as one event. */
export function transferRoutes(router: IRouter, { run, jsonBody }: RouteDeps): void {
  const body = jsonBody({ limitBytes: LINES_BODY_BYTES_MAX });
  router.route('/api/transfers').post(body, transfer).all(methodNotAllowed('POST'));

  async function transfer(request: Request, response: Response): Promise<void> {
    refuseQuery(request);
    const asked = parseBody(transferSchema, request);
    refuseConditions(request.headers);
    await run(request, response, {
      command: { type: 'TransferStock', ...asked },
      asked: [asked],
      render: transferredAnswer,
    });
  }
}
