import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { IdSource } from '../system.js';

const GIVEN_PATTERN = /^[\x20-\x7e]{1,128}$/;

export const requestIdSchema = z
  .string()
  .regex(GIVEN_PATTERN)
  .meta({
    id: 'RequestId',
    description:
      'The `X-Request-Id` of the request if it is 1 to 128 printable ASCII characters; else a new ' +
      'id.',
    example: '019a4912-8d40-7000-8000-000000000001',
  });

/** The client's own id if it is fit for a header and a log line, else a new one. */
export function requestIdOf({ headers }: IncomingMessage, ids: IdSource): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && GIVEN_PATTERN.test(given) ? given : ids.next();
}
