import { z } from 'zod';
import { STOCK_BODY_BYTES_MAX } from '../json/body-limits.js';
import { skuSchema } from '../schemas/name-schemas.js';
import { nothingSchema } from '../schemas/request-schemas.js';
import {
  centralSkuQuerySchema,
  centralSkuSchema,
  discardQuerySchema,
  letterIdSchema,
  letterPageSchema,
  lettersQuerySchema,
  retriedSchema,
  startSyncSchema,
  syncRunSchema,
  syncStatusSchema,
} from '../schemas/sync-schemas.js';
import { responseHeaders } from './headers.js';
import { type Operation, type Success, found } from './operation.js';

const SYNC = '/api/sync';
const LETTERS = `${SYNC}/dead-letters` as const;

const tag = 'Central view';
/** The view cannot be opened, or the process that has it does not answer. */
const NOT_HERE = ['aggregate-behind'] as const;
const letterParameters = z.object({ id: letterIdSchema });
const nothing = { schema: nothingSchema, bytesMax: STOCK_BODY_BYTES_MAX, optional: true } as const;

/** The response to a change of how the service works, not of stock: it has no idempotency key. */
function changed(schema: z.ZodType, description: string): Success {
  const content = { 'application/json': schema };
  return { status: 200, description, headers: responseHeaders.written, content };
}

const sku: Operation = {
  id: 'readCentralSku',
  method: 'get',
  path: '/api/inventory/skus/{sku}',
  tag,
  summary: 'Read the stock of one SKU over all stores',
  description:
    'As of the last run of the worker: `asOf` says how far each source is folded, and how old ' +
    'that is. To read your own write, pass its sequence as `minSequence` and, if there are ' +
    'several sources, the one that you wrote to as `source`. For an unknown SKU, `stores` is ' +
    'empty.',
  pathParameters: z.object({ sku: skuSchema }),
  query: centralSkuQuerySchema,
  successes: [found(centralSkuSchema, 'The totals, and the share of every store.')],
  problems: NOT_HERE,
};

const run: Operation = {
  id: 'runSync',
  method: 'post',
  path: SYNC,
  tag,
  summary: 'Fold new events now',
  description:
    'One run over all sources, including those whose circuit breaker is open. If a run is in ' +
    'progress, the request joins it.',
  body: nothing,
  successes: [changed(syncRunSchema, 'The result of the run.')],
  problems: NOT_HERE,
};

const status: Operation = {
  id: 'readSyncStatus',
  method: 'get',
  path: `${SYNC}/status`,
  tag,
  summary: 'Read the state of the worker and its sources',
  description: 'Answered from memory, by the process that has the view.',
  successes: [found(syncStatusSchema, 'The state.')],
  problems: NOT_HERE,
};

const start: Operation = {
  id: 'startSync',
  method: 'post',
  path: `${SYNC}/start`,
  tag,
  summary: 'Turn the periodic timer on, or change its interval',
  description: 'Until the service stops: the next start uses the environment variables again.',
  body: { schema: startSyncSchema, bytesMax: STOCK_BODY_BYTES_MAX, optional: true },
  successes: [changed(syncStatusSchema, 'The timer is on.')],
  problems: NOT_HERE,
};

const stop: Operation = {
  id: 'stopSync',
  method: 'post',
  path: `${SYNC}/stop`,
  tag,
  summary: 'Turn the periodic timer off',
  description: 'The response is sent when the run in progress has ended.',
  body: nothing,
  successes: [changed(syncStatusSchema, 'The timer is off.')],
  problems: NOT_HERE,
};

const letters: Operation = {
  id: 'listDeadLetters',
  method: 'get',
  path: LETTERS,
  tag,
  summary: 'List the events that could not be folded',
  description: 'Sorted by source and sequence. They are in no total until a retry folds them.',
  query: lettersQuerySchema,
  successes: [found(letterPageSchema, 'One page.')],
  problems: NOT_HERE,
};

const retry: Operation = {
  id: 'retryDeadLetter',
  method: 'post',
  path: `${LETTERS}/{id}/retry`,
  tag,
  summary: 'Retry to fold an event',
  description:
    'The event is read from its source again. Other dead letters that waited for it are retried, ' +
    'too. 503: the source cannot be read.',
  pathParameters: letterParameters,
  body: nothing,
  successes: [changed(retriedSchema, 'The result of the attempt.')],
  problems: [...NOT_HERE, 'dead-letter-not-found', 'storage-unavailable', 'overloaded'],
};

const discard: Operation = {
  id: 'discardDeadLetter',
  method: 'delete',
  path: `${LETTERS}/{id}`,
  tag,
  summary: 'Discard a dead letter',
  description: 'Its events will be in no total. The `reason` is kept in dead-letters.jsonl.',
  pathParameters: letterParameters,
  query: discardQuerySchema,
  successes: [
    {
      status: 204,
      description: 'The dead letter is durably discarded.',
      headers: responseHeaders.written,
    },
  ],
  problems: [...NOT_HERE, 'dead-letter-not-found', 'storage-unavailable'],
};

export const syncOperations: readonly Operation[] = [
  sku,
  run,
  status,
  start,
  stop,
  letters,
  retry,
  discard,
];
