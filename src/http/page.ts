import type { ZodType } from 'zod';
import { type Answer, READ } from './answer.js';
import { type CursorScope, decodeCursor, encodeCursor } from './cursor.js';
import type { PageQuery } from './schemas/request-schemas.js';

const DEFAULT_LIMIT = 100;
/** This many lines end a page before its limit: one item can be an order of a thousand lines. */
const PAGE_LINES_MAX = 10_000;

export interface RequestedPage<Place> {
  readonly after: Place | undefined;
  readonly limit: number;
}

export function requestedPage<Place>(
  { limit, cursor }: PageQuery,
  scope: CursorScope,
  place: ZodType<Place>,
): RequestedPage<Place> {
  return {
    after: cursor === undefined ? undefined : decodeCursor(cursor, scope, place),
    limit: limit === undefined ? DEFAULT_LIMIT : Number(limit),
  };
}

export interface FoundItems<Item> {
  /** One more than `limit`, if there are that many. */
  readonly found: readonly Item[];
  readonly limit: number;
  readonly scope: CursorScope;
  readonly placeOf: (item: Item) => unknown;
  readonly linesOf: (item: Item) => number;
  readonly json: (item: Item) => string;
}

export function listAnswer<Item>(items: FoundItems<Item>): Answer {
  const { found, limit, scope, placeOf, linesOf, json } = items;
  const texts: string[] = [];
  let lines = 0;
  let last: Item | undefined;
  for (const item of found) {
    if (texts.length === limit || lines >= PAGE_LINES_MAX) {
      return pageAnswer(texts, encodeCursor(scope, last && placeOf(last)));
    }
    texts.push(json(item));
    lines += linesOf(item);
    last = item;
  }
  return pageAnswer(texts, null);
}

/** A page of a list; `nextCursor` null: the last page. */
export function pageAnswer(items: readonly string[], nextCursor: string | null): Answer {
  const body = `{"items":[${items.join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`;
  return { status: 200, headers: READ, body };
}
