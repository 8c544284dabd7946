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
  summary: 'Read everything that happened',
  description:
    'Durable events in their order, without gaps, each exactly once. A page may be shorter than ' +
    'its limit; only one without items says that there is no more yet. With `Accept: ' +
    'text/event-stream`: a stream of server-sent events (WHATWG HTML), which goes on with what ' +
    'comes; the `id` of each is its sequence, its `data` the event. It takes no `limit`. A client ' +
    'that does not keep up is cut off: it comes back with `Last-Event-ID`, and misses nothing.',
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
