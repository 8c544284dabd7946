import type { z } from 'zod';
import type { ProblemCode } from '../problem.js';
import { type ResponseHeaders, responseHeaders } from './headers.js';

/** The tags, in the order in which a reader meets them. */
export const TAGS = {
  Stock: 'One stock record: what one store has of one SKU.',
  Reservations: 'Orders over several records, and the life of every reservation.',
  Feed: 'Everything that happens, in order, for whoever keeps a picture of their own.',
  'Central view': 'All stores together, as far as they are folded, and the worker that does it.',
  'Several records': 'Goods that move between stores, and many operations at once.',
  Service: 'Whether the service is well, what it counts, and what describes it.',
} as const;

export interface RequestBody {
  readonly schema: z.ZodType;
  readonly bytesMax: number;
  /** The body may be left out, and its Content-Type with it. */
  readonly optional?: true;
}

export interface Success {
  readonly status: 200 | 201 | 204 | 304 | 503;
  readonly description: string;
  readonly headers: ResponseHeaders;
  /** None: no body. */
  readonly content?: Readonly<Record<string, z.ZodType>>;
}

/** What the API description says of one method of one path. */
export interface Operation {
  readonly id: string;
  readonly method: 'get' | 'put' | 'post' | 'delete';
  readonly path: `/${string}`;
  readonly tag: keyof typeof TAGS;
  readonly summary: string;
  readonly description: string;
  readonly pathParameters?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly headers?: z.ZodObject;
  readonly body?: RequestBody;
  readonly successes: readonly Success[];
  /** The problems that are its own; those of all requests, and of all bodies, come on top. */
  readonly problems: readonly ProblemCode[];
  /** Takes an Idempotency-Key: its outcomes, refusals included, are kept and repeated. */
  readonly idempotent?: true;
  /** Answered while the server drains, too. */
  readonly always?: true;
}

/** What every route that touches storage may have to say: a read may have to settle what is due. */
export const STORAGE_PROBLEMS = ['overloaded', 'lock-contended', 'storage-unavailable'] as const;

function json(schema: z.ZodType): Readonly<Record<string, z.ZodType>> {
  return { 'application/json': schema };
}

/** The answer of a read. */
export function found(schema: z.ZodType, description: string): Success {
  return { status: 200, description, headers: responseHeaders.read, content: json(schema) };
}

/** The answer to a write that takes an idempotency key. */
export function done(
  schema: z.ZodType,
  description: string,
  { status = 200, headers = {} }: { status?: 200 | 201; headers?: ResponseHeaders } = {},
): Success {
  return {
    status,
    description,
    headers: { ...responseHeaders.written, ...headers, ...responseHeaders.replayed },
    content: json(schema),
  };
}
