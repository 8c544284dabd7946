import { CLOUD_EVENTS_BATCH } from '../cloud-events.js';
import { feedQuerySchema } from '../request-schemas.js';
import { cloudEventsSchema, feedPageSchema } from '../response-schemas.js';
import { responseHeaders } from './headers.js';
import type { Operation } from './operation.js';

const { read, vary, node, sequence, nextLink } = responseHeaders;

export const feedOperation: Operation = {
  id: 'readFeed',
  method: 'get',
  path: '/api/events',
  tag: 'Feed',
  summary: 'Read everything that happened',
  description:
    'Durable events in their order, without gaps, each exactly once. A page may be shorter than ' +
    'its limit; only one without items says that there is no more yet.',
  query: feedQuerySchema,
  successes: [
    {
      status: 200,
      description: 'One page.',
      headers: { ...read, ...vary, ...node, ...sequence, ...nextLink },
      content: { 'application/json': feedPageSchema, [CLOUD_EVENTS_BATCH]: cloudEventsSchema },
    },
  ],
  problems: ['not-acceptable', 'position-ahead'],
};
