import type { HoldPosition } from '../application/ports.js';
import { type StockKey, stockKey } from '../domain/keys.js';
import type { StoredReservation } from '../domain/stock.js';
import { type SortedSet, createSortedSet } from './sorted-set.js';

/** Holds in the order in which they fall due; those without an expiry come last, by id. */
type HoldSet = SortedSet<StoredReservation, HoldPosition>;

function byExpiry(a: HoldPosition, b: HoldPosition): number {
  const first = a.expiresAt ?? Infinity;
  const second = b.expiresAt ?? Infinity;
  if (first !== second) return first < second ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** The active holds: of every stock record, and of all, each soonest due first. */
export class HoldIndex {
  private readonly expiring = createSortedSet<StoredReservation, HoldPosition>(byExpiry);
  /** Most records have one hold at a time: a set only where there are more. */
  private readonly byRecord = new Map<StockKey, StoredReservation | HoldSet>();

  replace(before: StoredReservation | undefined, after: StoredReservation): void {
    if (before !== undefined) this.remove(before);
    if (after.status === 'active') this.add(after);
  }

  /** All active holds with an expiry, soonest first. */
  soonest(): Iterable<StoredReservation> {
    return this.expiring.items();
  }

  /** When the next hold of all falls due; undefined: none will. */
  nextExpiry(): number | undefined {
    return this.expiring.first()?.expiresAt ?? undefined;
  }

  /** The active holds of one record; `after`: only those behind this one in the order. */
  *of(key: StockKey, after?: HoldPosition): Iterable<StoredReservation> {
    const holds = this.byRecord.get(key);
    if (holds === undefined) return;
    if ('items' in holds) yield* holds.items(after);
    else if (after === undefined || byExpiry(holds, after) > 0) yield holds;
  }

  private add(hold: StoredReservation): void {
    if (hold.expiresAt !== null) this.expiring.add(hold);
    for (const line of hold.lines) {
      if (line.held === 0) continue;
      const key = stockKey(line);
      const holds = this.byRecord.get(key);
      if (holds === undefined) this.byRecord.set(key, hold);
      else if ('items' in holds) holds.add(hold);
      else {
        const several: HoldSet = createSortedSet<StoredReservation, HoldPosition>(byExpiry);
        several.add(holds);
        several.add(hold);
        this.byRecord.set(key, several);
      }
    }
  }

  private remove(hold: StoredReservation): void {
    if (hold.status !== 'active') return;
    if (hold.expiresAt !== null) this.expiring.delete(hold);
    for (const line of hold.lines) {
      if (line.held === 0) continue;
      const key = stockKey(line);
      const holds = this.byRecord.get(key);
      if (holds === undefined || !('items' in holds)) this.byRecord.delete(key);
      else {
        holds.delete(hold);
        if (holds.size === 0) this.byRecord.delete(key);
      }
    }
  }
}
