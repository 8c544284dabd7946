import type { z } from 'zod';
import type { ProblemCode } from '../problem.js';
import { type ResponseHeaders, responseHeaders } from './headers.js';

/** The tags, in the order of the document. */
export const TAGS = {
  Stock: 'One stock record: what one store has of one SKU.',
  Reservations: 'Reservations over several records, and the life cycle of every reservation.',
  Feed: 'All events, in order, for clients that keep their own copy of the data.',
  'Central view':
    'Totals over all stores, as far as they are folded, and the worker that folds them.',
  'Several records': 'Transfers between stores, and batches of operations.',
  Service: 'Health, metrics and the API description.',
} as const;

export interface RequestBody {
  readonly schema: z.ZodType;
  readonly bytesMax: number;
  /** The body and its Content-Type may be omitted. */
  readonly optional?: true;
}

export interface Success {
  readonly status: 200 | 201 | 204 | 304 | 503;
  readonly description: string;
  readonly headers: ResponseHeaders;
  /** Undefined: the response has no body. */
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
  /** Its own problems; those of every request and of every body are added. */
  readonly problems: readonly ProblemCode[];
  /** Takes an Idempotency-Key: its outcomes, refusals included, are stored and replayed. */
  readonly idempotent?: true;
  /** Also answered while the server drains. */
  readonly always?: true;
}

/** The problems of every route that uses storage: even a read may have to settle due holds. */
export const STORAGE_PROBLEMS = ['overloaded', 'lock-contended', 'storage-unavailable'] as const;

function json(schema: z.ZodType): Readonly<Record<string, z.ZodType>> {
  return { 'application/json': schema };
}

/** The response to a read. */
export function found(schema: z.ZodType, description: string): Success {
  return { status: 200, description, headers: responseHeaders.read, content: json(schema) };
}

/** The response to a write that takes an idempotency key. */
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
