import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { IdSource } from '../system.js';

const GIVEN_PATTERN = /^[\x20-\x7e]{1,128}$/;

export const requestIdSchema = z.string().regex(GIVEN_PATTERN).meta({
  id: 'RequestId',
  description:
    'The `X-Request-Id` of the request where it can stand in a log line, else a new one.',
  example: '019a4912-8d40-7000-8000-000000000001',
});

/** The client's own id where it can stand in a header and a log line, else a new one. */
export function requestIdOf({ headers }: IncomingMessage, ids: IdSource): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && GIVEN_PATTERN.test(given) ? given : ids.next();
}
