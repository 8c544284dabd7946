import { isForgotten } from '../../domain/stock.js';
import type { PublishedState } from '../published-state.js';

/** What a snapshot says otherwise than the fold of the log up to the same event; none: []. */
export function snapshotDifferences(fold: PublishedState, snapshot: PublishedState): string[] {
  const differences: string[] = [];
  const compare = (what: string, folded: unknown, kept: unknown): void => {
    const [a, b] = [JSON.stringify(folded), JSON.stringify(kept)];
    if (a !== b) differences.push(`${what}: the log says ${a}, the snapshot says ${b}`);
  };
  for (const [key, record] of fold.allRecords()) compare(key, record, snapshot.record(key));
  for (const reservation of fold.allReservations()) {
    if (isForgotten(reservation, fold.lastAt)) continue;
    const { id } = reservation;
    compare(`reservation ${id}`, ordered(reservation), ordered(snapshot.reservation(id)));
  }
  for (const [digest, entry] of fold.allKeys()) {
    if (entry.until > fold.lastAt) {
      compare(`idempotency key ${digest}`, ordered(entry), ordered(snapshot.keyEntry(digest)));
    }
  }
  for (const [key] of snapshot.allRecords()) {
    if (fold.record(key) === undefined) differences.push(`${key}: only the snapshot has it`);
  }
  return differences;
}

/** Members by name, since the two come from different sources. */
function ordered(value: object | undefined): unknown {
  return value && Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
