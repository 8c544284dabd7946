import type { IRoute, IRouter, Request, RequestHandler, Response } from 'express';
import type { z } from 'zod';
import { type Answer, READ, WRITTEN } from '../answer.js';
import { STOCK_BODY_BYTES_MAX } from '../json/body-limits.js';
import { listAnswer, requestedPage } from '../page.js';
import { parseLetterId, parseSku } from '../path-names.js';
import { parseBody, parseQuery, refuseQuery } from '../request-input.js';
import { RequestError } from '../request-error.js';
import { nothingSchema } from '../schemas/request-schemas.js';
import { type RouteDeps, methodNotAllowed } from '../route-deps.js';
import { centralSkuJson, deadLetterJson, syncRunJson, syncStatusJson } from '../json/sync-json.js';
import {
  type retriedSchema,
  centralSkuQuerySchema,
  discardQuerySchema,
  letterIdSchema,
  lettersQuerySchema,
  startSyncSchema,
} from '../schemas/sync-schemas.js';

const SYNC = '/api/sync';
const LETTERS = `${SYNC}/dead-letters`;

type LetterRequest = Request<{ id: string }>;

/**
 * The central view, the worker that maintains it, and its dead letters. `forward` is a
 * handler that runs first: another process may be the one that answers.
 */
export function syncRoutes(
  router: IRouter,
  { central, send, release, jsonBody }: RouteDeps,
  forward?: RequestHandler,
): void {
  const { worker, desk, queries } = central;
  const body = jsonBody({ limitBytes: STOCK_BODY_BYTES_MAX, allowEmpty: true });
  route('/api/inventory/skus/:sku').get(readSku).all(methodNotAllowed('GET', 'HEAD'));
  route(SYNC).post(body, runNow).all(methodNotAllowed('POST'));
  route(`${SYNC}/status`).get(status).all(methodNotAllowed('GET', 'HEAD'));
  route(`${SYNC}/start`).post(body, start).all(methodNotAllowed('POST'));
  route(`${SYNC}/stop`).post(body, stop).all(methodNotAllowed('POST'));
  route(LETTERS).get(listLetters).all(methodNotAllowed('GET', 'HEAD'));
  route(`${LETTERS}/:id/retry`).post(body, retry).all(methodNotAllowed('POST'));
  route(`${LETTERS}/:id`).delete(discard).all(methodNotAllowed('DELETE'));

  function route(path: string): IRoute {
    const made = router.route(path);
    return forward === undefined ? made : made.all(forward);
  }

  async function readSku(request: Request<{ sku: string }>, response: Response): Promise<void> {
    const sku = parseSku(request.params.sku);
    const { minSequence = 0, waitMs = 0, source } = parseQuery(centralSkuQuerySchema, request);
    if (source !== undefined && !queries.knows(source)) {
      throw new RequestError('validation-failed', 'The query: source is not the name of a source.');
    }
    // Reads that wait must not take the places of others; `queries` limits how many may wait.
    if (waitMs > 0) release(response);
    const found = await queries.sku(sku, { minSequence, source, waitMs });
    send(request, response, read(centralSkuJson(sku, found)));
  }

  async function runNow(request: Request, response: Response): Promise<void> {
    expectNothing(request);
    send(request, response, changed(syncRunJson(await worker.runNow())));
  }

  function status(request: Request, response: Response): void {
    refuseQuery(request);
    send(request, response, read(syncStatusJson(worker.status())));
  }

  function start(request: Request, response: Response): void {
    refuseQuery(request);
    const { intervalMs } = parseBody(startSyncSchema, request);
    worker.start(intervalMs);
    send(request, response, changed(syncStatusJson(worker.status())));
  }

  async function stop(request: Request, response: Response): Promise<void> {
    expectNothing(request);
    await worker.stop();
    send(request, response, changed(syncStatusJson(worker.status())));
  }

  function listLetters(request: Request, response: Response): void {
    const scope = { list: 'dead-letters', of: '' } as const;
    const query = parseQuery(lettersQuerySchema, request);
    const { after, limit } = requestedPage(query, scope, letterIdSchema);
    const answer = listAnswer({
      found: desk.list({ after, limit: limit + 1 }),
      limit,
      scope,
      placeOf: ({ id }) => id,
      linesOf: ({ records }) => records.length,
      json: (letter) => JSON.stringify(deadLetterJson(letter)),
    });
    send(request, response, answer);
  }

  async function retry(request: LetterRequest, response: Response): Promise<void> {
    expectNothing(request);
    const letter = await desk.retry(parseLetterId(request.params.id));
    if (letter === undefined) throw letterNotFound();
    const retried: z.infer<typeof retriedSchema> = {
      resolved: letter === null,
      deadLetter: letter && deadLetterJson(letter),
    };
    send(request, response, changed(retried));
  }

  async function discard(request: LetterRequest, response: Response): Promise<void> {
    const id = parseLetterId(request.params.id);
    const { reason } = parseQuery(discardQuerySchema, request);
    const { requestId } = request;
    if (!(await desk.discard(id, { reason, requestId }))) throw letterNotFound();
    send(request, response, { status: 204, headers: ['Cache-Control', 'no-store'], body: '' });
  }
}

function read(body: object): Answer {
  return { status: 200, headers: READ, body: JSON.stringify(body) };
}

function changed(body: object): Answer {
  return { status: 200, headers: WRITTEN, body: JSON.stringify(body) };
}

/** For a route that takes no input. */
function expectNothing(request: Request): void {
  refuseQuery(request);
  parseBody(nothingSchema, request);
}

function letterNotFound(): RequestError {
  return new RequestError('dead-letter-not-found', 'There is no such open dead letter.');
}
