import { z } from 'zod';
import { skuSchema, storeIdSchema } from '../schemas/name-schemas.js';
import { pageQuerySchema } from '../schemas/request-schemas.js';
import {
  eventPageSchema,
  reservationPageSchema,
  stockPageSchema,
} from '../schemas/response-schemas.js';
import { responseHeaders } from './headers.js';
import { type Operation, STORAGE_PROBLEMS, type Success, found } from './operation.js';

const STORE = '/api/inventory/stores/{storeId}/inventory';

const tag = 'Stock';
const problems = STORAGE_PROBLEMS;
const storeParameters = z.object({ storeId: storeIdSchema });
const stockParameters = z.object({ storeId: storeIdSchema, sku: skuSchema });

function withShownSequence(success: Success): Success {
  return { ...success, headers: { ...success.headers, ...responseHeaders.shownSequence } };
}

const records: Operation = {
  id: 'listStock',
  method: 'get',
  path: STORE,
  tag,
  summary: 'List the records of one store',
  description: 'Sorted by SKU. An unknown store has no records.',
  pathParameters: storeParameters,
  query: pageQuerySchema,
  successes: [withShownSequence(found(stockPageSchema, 'One page.'))],
  problems,
};

const events: Operation = {
  id: 'listStockEvents',
  method: 'get',
  path: `${STORE}/{sku}/events`,
  tag,
  summary: 'List the events of one record',
  description: 'Newest first, with reasons and references.',
  pathParameters: stockParameters,
  query: pageQuerySchema,
  successes: [found(eventPageSchema, 'One page.')],
  problems,
};

const holds: Operation = {
  id: 'listHolds',
  method: 'get',
  path: `${STORE}/{sku}/reservations`,
  tag,
  summary: 'List the reservations that hold units of one record',
  description: 'Active reservations, soonest expiry first.',
  pathParameters: stockParameters,
  query: pageQuerySchema,
  successes: [found(reservationPageSchema, 'One page.')],
  problems,
};

export const stockListOperations: readonly Operation[] = [records, events, holds];
