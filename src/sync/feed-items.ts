import { z } from 'zod';
import type { LetterRecord } from '../application/central-aggregate.js';
import { SKU_PATTERN, STORE_ID_PATTERN } from '../domain/keys.js';
import type { SourceItem } from './event-source.js';

/** How much of an unreadable item is kept, in characters. */
const RECEIVED_MAX = 2_048;

const name = { storeId: z.string().regex(STORE_ID_PATTERN), sku: z.string().regex(SKU_PATTERN) };
const sequence = z.int().min(1);
const version = z.int().min(1);

/** What the fold needs; a newer node may send more members. */
const eventSchema = z.object({
  sequence,
  type: z.string().regex(/^[A-Za-z][A-Za-z0-9]{0,63}$/),
  schemaVersion: z.int().min(0).optional(),
  at: z.iso.datetime({ precision: 3 }).transform((text) => Date.parse(text)),
  lines: z.array(z.object({ ...name, version, onHandDelta: z.int(), reservedDelta: z.int() })),
});

const sequenceOnly = z.object({ sequence });
const typeOnly = z.object({ type: z.string().max(64) });
const linesOnly = z.object({ lines: z.array(z.unknown()) });
const nameOnly = z.object({ ...name, version: version.optional().catch(undefined) });

/** Reads one element of a feed page: an event, or what is readable of anything else. */
export function readItem(element: unknown): SourceItem {
  const parsed = eventSchema.safeParse(element);
  if (parsed.success) return { sequence: parsed.data.sequence, event: parsed.data };
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? 'it' : issue.path.join('.');
  return {
    sequence: sequenceOnly.safeParse(element).data?.sequence,
    detail: `what came is not an event: ${where.slice(0, 100)} is not acceptable`,
    type: typeOnly.safeParse(element).data?.type,
    records: namedIn(element),
    received: cut(JSON.stringify(element)),
  };
}

/** A body that is not a page stands for the one event that was asked for. */
export function unreadablePage(text: string): SourceItem {
  return {
    sequence: undefined,
    detail: 'what came is not JSON',
    type: undefined,
    records: [],
    received: cut(text),
  };
}

function namedIn(element: unknown): readonly LetterRecord[] {
  const lines = linesOnly.safeParse(element).data?.lines ?? [];
  return lines.flatMap((line): readonly LetterRecord[] => {
    const named = nameOnly.safeParse(line).data;
    if (named === undefined) return [];
    return [{ storeId: named.storeId, sku: named.sku, version: named.version }];
  });
}

export function cut(text: string): string {
  return text.length <= RECEIVED_MAX ? text : `${text.slice(0, RECEIVED_MAX).toWellFormed()}…`;
}
