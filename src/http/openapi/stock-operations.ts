import { z } from 'zod';
import { STOCK_BODY_BYTES_MAX } from '../json/body-limits.js';
import { skuSchema, storeIdSchema } from '../schemas/name-schemas.js';
import {
  adjustSchema,
  countSchema,
  recordQuerySchema,
  releaseLineSchema,
  reserveSchema,
} from '../schemas/request-schemas.js';
import {
  heldRecordSchema,
  movedRecordSchema,
  stockRecordSchema,
} from '../schemas/response-schemas.js';
import { requestHeaders, responseHeaders } from './headers.js';
import { type Operation, STORAGE_PROBLEMS, done, found } from './operation.js';

const RECORD = '/api/inventory/stores/{storeId}/inventory/{sku}';

const { etag, location } = responseHeaders;
const tag = 'Stock';
const bytesMax = STOCK_BODY_BYTES_MAX;
const pathParameters = z.object({ storeId: storeIdSchema, sku: skuSchema });
const actionHeaders = z.object({ ...requestHeaders.idempotencyKey, ...requestHeaders.ifMatch });

const read: Operation = {
  id: 'readStock',
  method: 'get',
  path: RECORD,
  tag,
  summary: 'Read one record',
  description:
    'Durable state only. Holds that have expired are already given back. With `at`: the record ' +
    'as it was then, without an ETag.',
  pathParameters,
  query: recordQuerySchema,
  headers: z.object({ ...requestHeaders.ifMatch, ...requestHeaders.ifNoneMatchToRead }),
  successes: [
    {
      ...found(stockRecordSchema, 'The record.'),
      headers: { ...responseHeaders.read, ...responseHeaders.presentEtag },
    },
    {
      status: 304,
      description: 'The record has not changed.',
      headers: { ...responseHeaders.read, ...etag },
    },
  ],
  problems: ['stock-not-found', 'precondition-failed', ...STORAGE_PROBLEMS],
};

const count: Operation = {
  id: 'countStock',
  method: 'put',
  path: RECORD,
  tag,
  summary: 'Take stock: set the units on hand to the counted quantity',
  description:
    'Requires `If-Match` with the version that you have seen, or `If-None-Match: *` to create ' +
    'the record; neither: 428. The counted quantity must not be less than the reserved quantity.',
  pathParameters,
  headers: z.object({
    ...requestHeaders.idempotencyKey,
    ...requestHeaders.ifMatch,
    ...requestHeaders.ifNoneMatchToCreate,
  }),
  body: { schema: countSchema, bytesMax },
  successes: [
    done(movedRecordSchema, 'Counted.'),
    done(movedRecordSchema, 'Created.', { status: 201 }),
  ],
  problems: ['precondition-required', 'precondition-failed', 'below-reserved'],
  idempotent: true,
};

const adjust: Operation = {
  id: 'adjustStock',
  method: 'post',
  path: `${RECORD}/adjust`,
  tag,
  summary: 'Add units to the stock on hand, or remove units',
  description:
    'A positive `delta` creates a missing record. No more units can be removed than are available.',
  pathParameters,
  headers: actionHeaders,
  body: { schema: adjustSchema, bytesMax },
  successes: [done(movedRecordSchema, 'Adjusted.', { headers: etag })],
  problems: [
    'stock-not-found',
    'version-conflict',
    'precondition-failed',
    'insufficient-stock',
    'quantity-overflow',
  ],
  idempotent: true,
};

const reserve: Operation = {
  id: 'reserveStock',
  method: 'post',
  path: `${RECORD}/reserve`,
  tag,
  summary: 'Hold units of one record',
  description:
    'With `ttlMs` the hold expires by itself; without, it lasts until it is committed or released.',
  pathParameters,
  headers: actionHeaders,
  body: { schema: reserveSchema, bytesMax },
  successes: [done(heldRecordSchema, 'Held.', { status: 201, headers: location })],
  problems: ['stock-not-found', 'version-conflict', 'precondition-failed', 'insufficient-stock'],
  idempotent: true,
};

const release: Operation = {
  id: 'releaseStock',
  method: 'post',
  path: `${RECORD}/release`,
  tag,
  summary: 'Give back what a reservation holds of this record',
  description: 'All units that the reservation holds of this record, or `qty` units.',
  pathParameters,
  headers: actionHeaders,
  body: { schema: releaseLineSchema, bytesMax },
  successes: [done(heldRecordSchema, 'Given back.', { headers: etag })],
  problems: [
    'stock-not-found',
    'reservation-not-found',
    'reservation-not-active',
    'precondition-failed',
    'reservation-exceeded',
  ],
  idempotent: true,
};

export const stockOperations: readonly Operation[] = [read, count, adjust, reserve, release];
