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
/** The view cannot be opened, or another process that has it does not answer. */
const NOT_HERE = ['aggregate-behind'] as const;
const letterParameters = z.object({ id: letterIdSchema });
const nothing = { schema: nothingSchema, bytesMax: STOCK_BODY_BYTES_MAX, optional: true } as const;

/** The answer to what changes how the service works, not stock: there is nothing to repeat. */
function changed(schema: z.ZodType, description: string): Success {
  const content = { 'application/json': schema };
  return { status: 200, description, headers: responseHeaders.written, content };
}

const sku: Operation = {
  id: 'readCentralSku',
  method: 'get',
  path: '/api/inventory/skus/{sku}',
  tag,
  summary: 'Read what all stores together have of one SKU',
  description:
    'As of the last run of the worker: `asOf` says how far each source is folded, and how old that ' +
    'is. To read what you have written, name its sequence as `minSequence`, and where there are several ' +
    'sources the one that you wrote to as `source`. An SKU that nobody has has no stores.',
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
  summary: 'Fold now what there is to fold',
  description:
    'One run over all sources, also of one that its circuit breaker leaves out. A run in progress ' +
    'is joined.',
  body: nothing,
  successes: [changed(syncRunSchema, 'What the run did.')],
  problems: NOT_HERE,
};

const status: Operation = {
  id: 'readSyncStatus',
  method: 'get',
  path: `${SYNC}/status`,
  tag,
  summary: 'Ask how the worker and its sources are',
  description: 'Answered from memory, where the view is open.',
  successes: [found(syncStatusSchema, 'How they are.')],
  problems: NOT_HERE,
};

const start: Operation = {
  id: 'startSync',
  method: 'post',
  path: `${SYNC}/start`,
  tag,
  summary: 'Turn the periodic timer on, or change its interval',
  description: 'Until the service stops: the next start follows the environment again.',
  body: { schema: startSyncSchema, bytesMax: STOCK_BODY_BYTES_MAX, optional: true },
  successes: [changed(syncStatusSchema, 'On.')],
  problems: NOT_HERE,
};

const stop: Operation = {
  id: 'stopSync',
  method: 'post',
  path: `${SYNC}/stop`,
  tag,
  summary: 'Turn the periodic timer off',
  description: 'Answers when the run in progress has ended.',
  body: nothing,
  successes: [changed(syncStatusSchema, 'Off.')],
  problems: NOT_HERE,
};

const letters: Operation = {
  id: 'listDeadLetters',
  method: 'get',
  path: LETTERS,
  tag,
  summary: 'List the events that could not be folded',
  description: 'By source and sequence. They are in no total until they are retried.',
  query: lettersQuerySchema,
  successes: [found(letterPageSchema, 'One page.')],
  problems: NOT_HERE,
};

const retry: Operation = {
  id: 'retryDeadLetter',
  method: 'post',
  path: `${LETTERS}/{id}/retry`,
  tag,
  summary: 'Try once more to fold an event',
  description:
    'It is read from its source again. Others that waited for it are tried, too. 503: the source ' +
    'cannot be read.',
  pathParameters: letterParameters,
  body: nothing,
  successes: [changed(retriedSchema, 'It was tried.')],
  problems: [...NOT_HERE, 'dead-letter-not-found', 'storage-unavailable', 'overloaded'],
};

const discard: Operation = {
  id: 'discardDeadLetter',
  method: 'delete',
  path: `${LETTERS}/{id}`,
  tag,
  summary: 'Give an event up',
  description: 'It will be in no total. Who asks why finds the `reason` in dead-letters.jsonl.',
  pathParameters: letterParameters,
  query: discardQuerySchema,
  successes: [
    { status: 204, description: 'It is given up, durably.', headers: responseHeaders.written },
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
