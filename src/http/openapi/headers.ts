import { z } from 'zod';
import { requestIdSchema } from '../request-id.js';
import { positionSchema } from '../schemas/request-schemas.js';

// Request and response headers. The headers that Node adds by itself (Date, Connection, Keep-Alive,
// Content-Length, Transfer-Encoding) are not described.

export const requestHeaders = {
  idempotencyKey: {
    'Idempotency-Key': z
      .string()
      .min(1)
      .exactOptional()
      .meta({
        description:
          'Makes the request safe to repeat: 1 to 255 printable ASCII characters, bare or as a ' +
          'quoted string. The same key with the same request returns the first outcome, byte for ' +
          'byte, with `Idempotent-Replayed: true`. The same key with another request: 422.',
        param: { id: 'Idempotency-Key' },
      }),
  },
  ifMatch: {
    'If-Match': z
      .string()
      .exactOptional()
      .meta({
        description: 'One of these ETags must be current, else 412. `*`: the record must exist.',
        param: { id: 'If-Match' },
      }),
  },
  ifNoneMatchToRead: {
    'If-None-Match': z
      .string()
      .exactOptional()
      .meta({
        description: 'ETags of the versions that you have: 304 if one of them is current.',
        param: { id: 'If-None-Match-to-read' },
      }),
  },
  lastEventId: {
    'Last-Event-ID': positionSchema.exactOptional().meta({
      type: 'integer',
      minimum: 0,
      description: 'For a stream: the last `id` that you received. It overrides `after`.',
      param: { id: 'Last-Event-ID' },
    }),
  },
  ifNoneMatchToCreate: {
    'If-None-Match': z
      .literal('*')
      .exactOptional()
      .meta({
        description: 'Create the record: 412 if it already exists.',
        param: { id: 'If-None-Match-to-create' },
      }),
  },
};

const requestId = z.string().meta({
  ...requestIdSchema.meta(),
  id: undefined,
  header: { id: 'X-Request-Id' },
});

const noCache = z.literal('no-cache').meta({
  description: 'The response may be cached, but must be revalidated before each reuse.',
  header: { id: 'Cache-Control-read' },
});

const noStore = z.literal('no-store').meta({
  description: 'The response must not be stored.',
  header: { id: 'Cache-Control-written' },
});

const traceparent = z
  .string()
  .regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)
  .exactOptional()
  .meta({
    description: 'If requests are traced: the span of this request (W3C Trace Context).',
    header: { id: 'Traceparent' },
  });

/** Absent if the connection is refused before there is a request. */
function optional(header: z.ZodType, id: string): z.ZodType {
  return header.optional().meta({ ...header.meta(), header: { id } });
}

const etag = z
  .string()
  .regex(/^"[1-9][0-9]*"$/)
  .meta({
    description: 'The version of the record, quoted.',
    example: '"4"',
    header: { id: 'ETag' },
  });

const retryAfter = z
  .int()
  .min(1)
  .meta({ description: 'Seconds to wait before a retry.', header: { id: 'Retry-After' } });

const replayed = z
  .literal('true')
  .exactOptional()
  .meta({
    description: 'This is the stored outcome of an earlier request with the same key.',
    header: { id: 'Idempotent-Replayed' },
  });

const whenFree = z
  .int()
  .min(1)
  .exactOptional()
  .meta({
    description: 'Seconds until enough units become available by the expiry of holds.',
    header: { id: 'Retry-After-expiry' },
  });

const currentEtag = etag.exactOptional().meta({
  description: 'The current version of the record; absent if there is no record.',
  header: { id: 'ETag-current' },
});

const PAGE_HEADERS = [
  'Content-Security-Policy',
  'Cross-Origin-Opener-Policy',
  'Cross-Origin-Resource-Policy',
  'Origin-Agent-Cluster',
  'Referrer-Policy',
  'X-Content-Type-Options',
  'X-Frame-Options',
];

const presentEtag = etag.exactOptional().meta({
  description: 'The version of the record, quoted; absent with `at`.',
  header: { id: 'ETag-present' },
});

export type ResponseHeaders = Readonly<Record<string, z.ZodType>>;

/** Sets of response headers, to be combined. */
export const responseHeaders = {
  read: { 'X-Request-Id': requestId, 'Cache-Control': noCache, Traceparent: traceparent },
  written: { 'X-Request-Id': requestId, 'Cache-Control': noStore, Traceparent: traceparent },
  perhapsWritten: {
    'X-Request-Id': optional(requestId, 'X-Request-Id-of-a-request'),
    'Cache-Control': optional(noStore, 'Cache-Control-of-a-request'),
    Traceparent: traceparent,
  },
  etag: { ETag: etag },
  currentEtag: { ETag: currentEtag },
  presentEtag: { ETag: presentEtag },
  location: {
    Location: z.string().meta({
      description: 'The path of the new reservation.',
      format: 'uri-reference',
      header: { id: 'Location' },
    }),
  },
  replayed: { 'Idempotent-Replayed': replayed },
  retryAfter: { 'Retry-After': retryAfter },
  whenFree: { 'Retry-After': whenFree },
  node: {
    'Inventory-Node': z.string().meta({
      description:
        'Identifies the data of this node. Restarts keep it; newly created data has a new one. ' +
        'Sequences and positions are meaningful only together with it.',
      header: { id: 'Inventory-Node' },
    }),
  },
  sequence: {
    'Inventory-Sequence': z
      .int()
      .min(0)
      .meta({
        description: 'The sequence of the last durable event; 0 if there is none.',
        header: { id: 'Inventory-Sequence' },
      }),
  },
  shownSequence: {
    'Inventory-Sequence': z
      .int()
      .min(0)
      .meta({
        description:
          'The response includes every event up to this sequence. To stay up to date, follow the ' +
          'feed after the value of the first page, and skip events that a record already ' +
          'includes, by its version.',
        header: { id: 'Inventory-Sequence-shown' },
      }),
  },
  vary: { Vary: z.literal('Accept').meta({ header: { id: 'Vary' } }) },
  nextLink: {
    Link: z
      .string()
      .exactOptional()
      .meta({
        description: 'For a batch: the URL of the next one, as `rel="next"`.',
        header: { id: 'Link-next' },
      }),
  },
  unbuffered: {
    'X-Accel-Buffering': z
      .literal('no')
      .exactOptional()
      .meta({
        description: 'For a stream: tells a proxy not to buffer it.',
        header: { id: 'X-Accel-Buffering' },
      }),
  },
  fileEtag: { ETag: z.string().meta({ description: 'A hash of the file, quoted.' }) },
  /** Security headers: they restrict a browser to what the page needs. */
  page: Object.fromEntries(PAGE_HEADERS.map((name) => [name, z.string()])),
  /** Absent from refused connections and from the files of the page. */
  quota: {
    RateLimit: z
      .string()
      .exactOptional()
      .meta({
        description:
          'What is left of your quota: `r` requests; it is full again in `t` seconds. ' +
          'Requests for health and metrics are not counted.',
        example: '"default";r=142;t=1',
        header: { id: 'RateLimit' },
      }),
    'RateLimit-Policy': z
      .string()
      .exactOptional()
      .meta({
        description: 'Your quota: a burst of `q` requests, refilled over `w` seconds.',
        example: '"default";q=200;w=2',
        header: { id: 'RateLimit-Policy' },
      }),
  },
  allow: {
    Allow: z.string().meta({
      description: 'The methods that the path supports.',
      example: 'GET, HEAD, PUT',
      header: { id: 'Allow' },
    }),
  },
} satisfies Readonly<Record<string, ResponseHeaders>>;
