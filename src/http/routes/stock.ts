import type { IRouter, Request, Response } from 'express';
import type { Moment } from '../../application/record-history.js';
import type { StockName } from '../../domain/keys.js';
import {
  adjustedAnswer,
  countedAnswer,
  releasedLineAnswer,
  reservedAnswer,
} from '../write-answers.js';
import { READ } from '../answer.js';
import { STOCK_BODY_BYTES_MAX } from '../json/body-limits.js';
import { parseStockName } from '../path-names.js';
import {
  etagOf,
  judgeRead,
  readConditions,
  recordConditions,
  refuseIfMatch,
  writeConditions,
} from '../preconditions.js';
import { parseBody, parseQuery, refuseQuery } from '../request-input.js';
import { RequestError } from '../request-error.js';
import {
  adjustSchema,
  countSchema,
  recordQuerySchema,
  releaseLineSchema,
  reserveSchema,
} from '../schemas/request-schemas.js';
import { type RouteDeps, methodNotAllowed } from '../route-deps.js';
import { adjustCommand, releaseCommand, reserveCommand } from '../stock-commands.js';
import { recordJson } from '../json/wire-json.js';

const RECORD = '/api/inventory/stores/:storeId/inventory/:sku';

type StockRequest = Request<{ storeId: string; sku: string }>;

/** One stock record: read, counted, adjusted, reserved, released. */
export function stockRoutes(
  router: IRouter,
  { queries, ids, send, run, refuse, jsonBody }: RouteDeps,
): void {
  const body = jsonBody({ limitBytes: STOCK_BODY_BYTES_MAX });

  // Routes are tried in order: the busiest come first.
  router.route(`${RECORD}/reserve`).post(body, reserve).all(methodNotAllowed('POST'));
  router.route(`${RECORD}/adjust`).post(body, adjust).all(methodNotAllowed('POST'));
  router
    .route(RECORD)
    .get(show)
    .put(body, count)
    .all(methodNotAllowed('GET', 'HEAD', 'PUT'));
  router.route(`${RECORD}/release`).post(body, release).all(methodNotAllowed('POST'));

  function reserve(request: StockRequest, response: Response): Promise<void> {
    const name = stockNameOf(request);
    const asked = parseBody(reserveSchema, request);
    const ifMatch = recordConditions(request.headers, asked.expectedVersion);
    return run(request, response, {
      command: reserveCommand(name, asked, ifMatch, ids.next()),
      asked: [name, asked, ifMatch],
      render: reservedAnswer,
    });
  }

  function adjust(request: StockRequest, response: Response): Promise<void> {
    const name = stockNameOf(request);
    const asked = parseBody(adjustSchema, request);
    const ifMatch = recordConditions(request.headers, asked.expectedVersion);
    return run(request, response, {
      command: adjustCommand(name, asked, ifMatch),
      asked: [name, asked, ifMatch],
      render: adjustedAnswer,
    });
  }

  function release(request: StockRequest, response: Response): Promise<void> {
    const name = stockNameOf(request);
    const asked = parseBody(releaseLineSchema, request);
    const ifMatch = recordConditions(request.headers);
    return run(request, response, {
      command: releaseCommand(name, asked, ifMatch),
      asked: [name, asked, ifMatch],
      render: releasedLineAnswer,
    });
  }

  function count(request: StockRequest, response: Response): Promise<void> {
    const name = stockNameOf(request);
    const asked = parseBody(countSchema, request);
    const conditions = writeConditions(request.headers);
    return run(request, response, {
      command: { type: 'CountStock', ...name, ...asked, ...conditions },
      asked: [name, asked, conditions],
      render: countedAnswer,
    });
  }

  async function show(request: StockRequest, response: Response): Promise<void> {
    const name = parseStockName(request.params);
    // Most reads ask for the present: only the others pay for parsing a query.
    if (request.url.includes('?')) {
      const { at } = parseQuery(recordQuerySchema, request);
      if (at !== undefined) {
        refuseIfMatch(request.headers);
        await showAt(request, response, { name, moment: at });
        return;
      }
    }
    const conditions = readConditions(request.headers);
    const record = await queries.record(name);
    if (record === undefined) {
      refuse(request, response, { code: 'stock-not-found', ...name });
      return;
    }
    const verdict = judgeRead(conditions, record.version);
    if (verdict === 'failed') {
      refuse(request, response, { code: 'precondition-failed', currentVersion: record.version });
      return;
    }
    const etag = ['ETag', etagOf(record.version)];
    if (verdict === 'not-modified') {
      // RFC 9110 §15.4.5: no metadata of a body that is not there.
      const headers = ['Cache-Control', 'no-cache', ...etag];
      send(request, response, { status: 304, headers, body: '' });
    } else {
      const body = recordJson(record, record.updatedAt);
      send(request, response, { status: 200, headers: [...READ, ...etag], body });
    }
  }

  async function showAt(
    request: StockRequest,
    response: Response,
    { name, moment }: { readonly name: StockName; readonly moment: Moment },
  ): Promise<void> {
    const record = await queries.recordAt(name, moment);
    if (record === 'not-yet') {
      throw new RequestError('validation-failed', 'The query: at lies in the future.');
    }
    if (record === undefined) refuse(request, response, { code: 'stock-not-found', ...name });
    else {
      const body = recordJson(record, record.updatedAt);
      send(request, response, { status: 200, headers: READ, body });
    }
  }
}

/** The record that the path names, for the routes that take no query. */
function stockNameOf(request: StockRequest): StockName {
  refuseQuery(request);
  return parseStockName(request.params);
}
