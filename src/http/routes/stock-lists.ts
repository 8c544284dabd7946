import type { IRouter, Request, Response } from 'express';
import { z } from 'zod';
import type { Note } from '../../domain/commands.js';
import type { InventoryEvent } from '../../domain/events.js';
import { type StockName, stockKey } from '../../domain/keys.js';
import { encodeCursor, forgedCursor } from '../cursor.js';
import { skuSchema } from '../schemas/name-schemas.js';
import { listAnswer, pageAnswer, requestedPage } from '../page.js';
import { parseStockName, parseStoreId } from '../path-names.js';
import { parseQuery } from '../request-input.js';
import { pageQuerySchema } from '../schemas/request-schemas.js';
import { type RouteDeps, methodNotAllowed } from '../route-deps.js';
import { eventJson, recordJson, reservationJson } from '../json/wire-json.js';

const STORE = '/api/inventory/stores/:storeId/inventory';

const sequencePlace = z.int().min(1);
const holdPlace = z.strictObject({ expiresAt: z.int().nullable(), id: z.string() });

type StoreRequest = Request<{ storeId: string }>;
type StockRequest = Request<{ storeId: string; sku: string }>;

/** The records of one store; the history of one record; the reservations that hold some of it. */
export function stockListRoutes(router: IRouter, { queries, feed, send }: RouteDeps): void {
  router.route(STORE).get(listRecords).all(methodNotAllowed('GET', 'HEAD'));
  router.route(`${STORE}/:sku/events`).get(listEvents).all(methodNotAllowed('GET', 'HEAD'));
  router.route(`${STORE}/:sku/reservations`).get(listHolds).all(methodNotAllowed('GET', 'HEAD'));

  async function listRecords(request: StoreRequest, response: Response): Promise<void> {
    const storeId = parseStoreId(request.params.storeId);
    const scope = { list: 'records', of: storeId } as const;
    const { after, limit } = requestedPage(parseQuery(pageQuerySchema, request), scope, skuSchema);
    // Taken before the records are read: they reflect at least this sequence, perhaps a later one.
    const sequence = feed.durableSequence();
    const found = await queries.recordsOf(storeId, { after, limit: limit + 1 });
    const answer = listAnswer({
      found,
      limit,
      scope,
      placeOf: ({ sku }) => sku,
      linesOf: () => 1,
      json: (record) => recordJson(record, record.updatedAt),
    });
    const headers = [...answer.headers, 'Inventory-Sequence', String(sequence)];
    send(request, response, { ...answer, headers });
  }

  async function listHolds(request: StockRequest, response: Response): Promise<void> {
    const name = parseStockName(request.params);
    const scope = { list: 'holds', of: stockKey(name) } as const;
    const { after, limit } = requestedPage(parseQuery(pageQuerySchema, request), scope, holdPlace);
    const found = await queries.holdsOf(name, { after, limit: limit + 1 });
    const answer = listAnswer({
      found,
      limit,
      scope,
      placeOf: ({ expiresAt, id }) => ({ expiresAt, id }),
      linesOf: ({ lines }) => lines.length,
      json: reservationJson,
    });
    send(request, response, answer);
  }

  async function listEvents(request: StockRequest, response: Response): Promise<void> {
    const name = parseStockName(request.params);
    const scope = { list: 'history', of: stockKey(name) } as const;
    const page = requestedPage(parseQuery(pageQuerySchema, request), scope, sequencePlace);
    const events = await queries.history(name, page);
    if (events === undefined) throw forgedCursor();
    const last = events.at(-1);
    const isMore = last !== undefined && previousOf(last, name) > 0;
    const nextCursor = isMore ? encodeCursor(scope, last.sequence) : null;
    const items = events.map((event) => eventJson(event, noteOf(event, name)));
    send(request, response, pageAnswer(items, nextCursor));
  }
}

/** Sequence of the event before this one in the history of the record; 0: this is its first. */
function previousOf(event: InventoryEvent, name: StockName): number {
  return event.lines[lineIndexOf(event, name)]?.previousSequence ?? 0;
}

/** The note about this record; in a batch, that of the last operation on it that has one. */
function noteOf(event: InventoryEvent, name: StockName): Note {
  if (event.operations === undefined) return event;
  const index = lineIndexOf(event, name);
  const own = event.operations.filter(({ line }) => line === index);
  return own.findLast(({ reason, reference }) => (reason ?? reference) !== undefined) ?? {};
}

function lineIndexOf({ lines }: InventoryEvent, { storeId, sku }: StockName): number {
  return lines.findIndex((line) => line.sku === sku && line.storeId === storeId);
}
