import type { DeadLetter, DeadLetterReason } from '../application/central-aggregate.js';
import type { RecordTime } from '../domain/stock.js';
import type { SourceItem } from './event-source.js';
import { cut } from './feed-items.js';

/** Why an item cannot be folded. */
export interface Objection {
  readonly reason: DeadLetterReason;
  readonly detail: string;
}

export interface SetAside {
  readonly source: string;
  readonly range: { readonly first: number; readonly last: number };
  readonly objection: Objection;
  /** Undefined: nothing was received. */
  readonly item: SourceItem | undefined;
  readonly look: { readonly attempts: number; readonly firstAt: RecordTime };
  readonly at: RecordTime;
}

export function letterOf(aside: SetAside): DeadLetter {
  const { source, range, objection, item, look, at } = aside;
  return {
    id: `${source}-${range.first}`,
    source,
    sequence: range.first,
    lastSequence: range.last,
    ...objection,
    ...contentOf(item),
    attempts: look.attempts,
    firstAttemptAt: look.firstAt,
    lastAttemptAt: at,
  };
}

/** The letter after another attempt, which folded everything before `sequence`. */
export function triedLetter(
  letter: DeadLetter,
  tried: Pick<SetAside, 'objection' | 'item' | 'at'> & { readonly sequence: number },
): DeadLetter {
  const { objection, item, at, sequence } = tried;
  const attempts = letter.attempts + 1;
  // Nothing was received: keep what is known of the event.
  const content = item === undefined && sequence === letter.sequence ? {} : contentOf(item);
  return { ...letter, ...objection, ...content, sequence, attempts, lastAttemptAt: at };
}

function contentOf(
  item: SourceItem | undefined,
): Pick<DeadLetter, 'type' | 'records' | 'received'> {
  if (item === undefined) return { type: undefined, records: [], received: undefined };
  if (item.event === undefined) {
    const { type, records, received } = item;
    return { type, records, received };
  }
  const { type, lines } = item.event;
  const records = lines.map(({ storeId, sku, version }) => ({ storeId, sku, version }));
  return { type, records, received: cut(JSON.stringify(item.event)) };
}
