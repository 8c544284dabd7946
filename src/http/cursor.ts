import { z } from 'zod';
import { RequestError } from './request-error.js';

/** Identifies a list: a cursor is valid only for the list that it was made for. */
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
 * The place that `encodeCursor` put in, if the cursor is exactly what it makes for this list.
 * Otherwise throws validation-failed.
 */
export function decodeCursor<T>(cursor: string, scope: CursorScope, place: z.ZodType<T>): T {
  const parsed = cursorSchema.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString()));
  const after = place.safeParse(parsed.data?.after);
  if (!after.success || encodeCursor(scope, after.data) !== cursor) throw forgedCursor();
  return after.data;
}

export function forgedCursor(): RequestError {
  return new RequestError('validation-failed', 'The cursor does not belong to this list.');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
