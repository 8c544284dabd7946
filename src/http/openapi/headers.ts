import { z } from 'zod';
import { requestIdSchema } from '../request-id.js';
import { positionSchema } from '../schemas/request-schemas.js';

// The headers of requests and answers. What Node adds by itself (Date, Connection, Keep-Alive,
// Content-Length, Transfer-Encoding) is not described.

export const requestHeaders = {
  idempotencyKey: {
    'Idempotency-Key': z
      .string()
      .min(1)
      .exactOptional()
      .meta({
        description:
          'Makes the request safe to repeat: 1 to 255 printable ASCII characters, bare or as a ' +
          'quoted string. The same key with the same request: the first outcome again, byte for ' +
          'byte, with `Idempotent-Replayed: true`. With another request: 422.',
        param: { id: 'Idempotency-Key' },
      }),
  },
  ifMatch: {
    'If-Match': z
      .string()
      .exactOptional()
      .meta({
        description: 'ETags of which the record must have one, else 412. `*`: it must exist.',
        param: { id: 'If-Match' },
      }),
  },
  ifNoneMatchToRead: {
    'If-None-Match': z
      .string()
      .exactOptional()
      .meta({
        description: 'ETags that you have: 304 if the record still has one of them.',
        param: { id: 'If-None-Match-to-read' },
      }),
  },
  lastEventId: {
    'Last-Event-ID': positionSchema.exactOptional().meta({
      type: 'integer',
      minimum: 0,
      description: 'Of a stream: the last `id` that you have. It wins over `after`.',
      param: { id: 'Last-Event-ID' },
    }),
  },
  ifNoneMatchToCreate: {
    'If-None-Match': z
      .literal('*')
      .exactOptional()
      .meta({
        description: 'Create: there must be no such record yet, else 412.',
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
  description: 'It may be kept, but not used again without asking.',
  header: { id: 'Cache-Control-read' },
});

const noStore = z.literal('no-store').meta({
  description: 'It is not to be kept.',
  header: { id: 'Cache-Control-written' },
});

const traceparent = z
  .string()
  .regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)
  .exactOptional()
  .meta({
    description: 'Where requests are traced: the span of this one (W3C Trace Context).',
    header: { id: 'Traceparent' },
  });

/** Optional where a connection may be refused before there is a request. */
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
  .meta({ description: 'In how many seconds to ask again.', header: { id: 'Retry-After' } });

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
    description: 'In how many seconds holds will have expired that would free enough.',
    header: { id: 'Retry-After-expiry' },
  });

const currentEtag = etag.exactOptional().meta({
  description: 'The version that the record has; absent where there is none.',
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
  description: 'The version of the record; the past has none.',
  header: { id: 'ETag-present' },
});

export type ResponseHeaders = Readonly<Record<string, z.ZodType>>;

/** Sets of answer headers, to be combined. */
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
        'Names the data of this node: stays over restarts; data made anew has a new name. ' +
        'Sequences and positions mean something only together with it.',
      header: { id: 'Inventory-Node' },
    }),
  },
  sequence: {
    'Inventory-Sequence': z
      .int()
      .min(0)
      .meta({
        description: 'Of the last durable event; 0: none yet.',
        header: { id: 'Inventory-Sequence' },
      }),
  },
  shownSequence: {
    'Inventory-Sequence': z
      .int()
      .min(0)
      .meta({
        description:
          'Everything up to this event is in the answer: follow the feed from the one of the ' +
          'first page on, and skip what a record shows already, by its version.',
        header: { id: 'Inventory-Sequence-shown' },
      }),
  },
  vary: { Vary: z.literal('Accept').meta({ header: { id: 'Vary' } }) },
  nextLink: {
    Link: z
      .string()
      .exactOptional()
      .meta({
        description: 'Of a batch: where the next one is, as `rel="next"`.',
        header: { id: 'Link-next' },
      }),
  },
  unbuffered: {
    'X-Accel-Buffering': z
      .literal('no')
      .exactOptional()
      .meta({
        description: 'Of a stream: a proxy must not gather it.',
        header: { id: 'X-Accel-Buffering' },
      }),
  },
  fileEtag: { ETag: z.string().meta({ description: 'A hash of the file, quoted.' }) },
  /** What keeps a browser from doing more with the page than it needs. */
  page: Object.fromEntries(PAGE_HEADERS.map((name) => [name, z.string()])),
  /** Absent where a connection is refused, or a file of the page is sent. */
  quota: {
    RateLimit: z
      .string()
      .exactOptional()
      .meta({
        description:
          'What is left of your quota: `r` requests; in `t` seconds it is whole again. ' +
          'Health and metrics are not counted.',
        example: '"default";r=142;t=1',
        header: { id: 'RateLimit' },
      }),
    'RateLimit-Policy': z
      .string()
      .exactOptional()
      .meta({
        description: 'Your quota: `q` requests at once, refilled over `w` seconds.',
        example: '"default";q=200;w=2',
        header: { id: 'RateLimit-Policy' },
      }),
  },
  allow: {
    Allow: z.string().meta({
      description: 'The methods that the path answers.',
      example: 'GET, HEAD, PUT',
      header: { id: 'Allow' },
    }),
  },
} satisfies Readonly<Record<string, ResponseHeaders>>;
