import { z } from 'zod';
import { BATCH_BODY_BYTES_MAX, LINES_BODY_BYTES_MAX } from '../json/body-limits.js';
import { batchSchema, transferSchema } from '../schemas/request-schemas.js';
import { batchResultsSchema, transferredSchema } from '../schemas/response-schemas.js';
import { requestHeaders } from './headers.js';
import { type Operation, done } from './operation.js';

const headers = z.object(requestHeaders.idempotencyKey);

export const transferOperation: Operation = {
  id: 'transferStock',
  method: 'post',
  path: '/api/transfers',
  tag: 'Several records',
  summary: 'Move units from one store to another',
  description: 'Recorded as one event. Records that the destination does not have yet are created.',
  headers,
  body: { schema: transferSchema, bytesMax: LINES_BODY_BYTES_MAX },
  successes: [done(transferredSchema, 'Moved.')],
  problems: ['stock-not-found', 'same-store', 'insufficient-stock', 'quantity-overflow'],
  idempotent: true,
};

export const batchOperation: Operation = {
  id: 'batchStock',
  method: 'post',
  path: '/api/inventory/batch',
  tag: 'Several records',
  summary: 'Execute many operations',
  description:
    'By default all operations or none, one after the other, as one event; the idempotency key ' +
    'is the header. With `atomic: false` each operation on its own, with its own ' +
    '`idempotencyKey`: then the response is 200, and each result has its own status. The body ' +
    `may have ${BATCH_BODY_BYTES_MAX} bytes, which leaves some 200 for each of 10,000 operations.`,
  headers,
  body: { schema: batchSchema, bytesMax: BATCH_BODY_BYTES_MAX },
  successes: [done(batchResultsSchema, 'The results, in the order of the operations.')],
  problems: [
    'stock-not-found',
    'version-conflict',
    'insufficient-stock',
    'below-reserved',
    'quantity-overflow',
  ],
  idempotent: true,
};
