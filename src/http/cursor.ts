import { z } from 'zod';
import { RequestError } from './request-error.js';

/** What a list is about: a cursor of one list means nothing to another. */
export interface CursorScope {
  readonly list: 'records' | 'history' | 'holds' | 'reservations' | 'dead-letters';
  readonly of: string;
}

const cursorSchema = z.object({ after: z.unknown() });

/** Opaque to clients: base64url of a small JSON text. */
export function encodeCursor({ list, of }: CursorScope, after: unknown): string {
  return Buffer.from(JSON.stringify({ list, of, after })).toString('base64url');
}

/**
 * The place that `encodeCursor` put in, if this is a cursor of this very list, letter for letter.
 * Anything else: validation-failed.
 */
export function decodeCursor<T>(cursor: string, scope: CursorScope, place: z.ZodType<T>): T {
  const parsed = cursorSchema.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString()));
  const after = place.safeParse(parsed.data?.after);
  if (!after.success || encodeCursor(scope, after.data) !== cursor) throw forgedCursor();
  return after.data;
}

export function forgedCursor(): RequestError {
  return new RequestError('validation-failed', 'The cursor is not one of this list.');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
