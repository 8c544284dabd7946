import { CLOUD_EVENTS_BATCH } from '../feed/cloud-events.js';
import { z } from 'zod';
import { EVENT_STREAM } from '../feed/frames.js';
import { feedQuerySchema } from '../schemas/request-schemas.js';
import { cloudEventsSchema, feedPageSchema } from '../schemas/response-schemas.js';
import { requestHeaders, responseHeaders } from './headers.js';
import type { Operation } from './operation.js';

const { read, vary, node, sequence, nextLink, unbuffered } = responseHeaders;

export const feedOperation: Operation = {
  id: 'readFeed',
  method: 'get',
  path: '/api/events',
  tag: 'Feed',
  summary: 'Read all events in order',
  description:
    'Durable events in order, without gaps, each exactly once. A page may be shorter than its ' +
    'limit; only a page without items means that there are no more events yet. With `Accept: ' +
    'text/event-stream` the response is a stream of server-sent events (WHATWG HTML) that ' +
    'continues with new events; the `id` of each is its sequence, its `data` the event. A stream ' +
    'takes no `limit`. A client that does not keep up is disconnected: it reconnects with ' +
    '`Last-Event-ID` and misses nothing.',
  query: feedQuerySchema,
  headers: z.object(requestHeaders.lastEventId),
  successes: [
    {
      status: 200,
      description: 'One page.',
      headers: { ...read, ...vary, ...node, ...sequence, ...nextLink, ...unbuffered },
      content: {
        'application/json': feedPageSchema,
        [CLOUD_EVENTS_BATCH]: cloudEventsSchema,
        [EVENT_STREAM]: z.string(),
      },
    },
  ],
  problems: ['not-acceptable', 'position-ahead', 'overloaded'],
};
