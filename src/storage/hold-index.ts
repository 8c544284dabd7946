import type { HoldPosition } from '../application/ports.js';
import { type StockKey, stockKey } from '../domain/keys.js';
import type { StoredReservation } from '../domain/stock.js';
import { SortedIndex } from './sorted-index.js';
import { SortedSet } from './sorted-set.js';

/** The order in which holds fall due; those without an expiry come last, by id. */
export function byExpiry(a: HoldPosition, b: HoldPosition): number {
  const first = a.expiresAt ?? Infinity;
  const second = b.expiresAt ?? Infinity;
  if (first !== second) return first < second ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** Active holds under the records that they hold units of, each soonest due first. */
export class RecordHolds {
  private readonly index = new SortedIndex<StockKey, StoredReservation, HoldPosition>(byExpiry);

  add(hold: StoredReservation): void {
    for (const line of hold.lines) if (line.held > 0) this.index.add(stockKey(line), hold);
  }

  /** `hold` as it was added: with the same expiry, and the same lines holding. */
  remove(hold: StoredReservation): void {
    for (const line of hold.lines) if (line.held > 0) this.index.delete(stockKey(line), hold);
  }

  /** The active holds of one record; `after`: only those behind this one in the order. */
  of(key: StockKey, after?: HoldPosition): Iterable<StoredReservation> {
    return this.index.of(key, after);
  }

  clear(): void {
    this.index.clear();
  }
}

/** The active holds: of every stock record, and of all, each soonest due first. */
export class HoldIndex {
  private readonly byRecord = new RecordHolds();
  private readonly expiring = new SortedSet<StoredReservation, HoldPosition>(byExpiry);

  replace(before: StoredReservation | undefined, after: StoredReservation): void {
    if (before?.status === 'active') {
      this.byRecord.remove(before);
      if (before.expiresAt !== null) this.expiring.delete(before);
    }
    if (after.status === 'active') {
      this.byRecord.add(after);
      if (after.expiresAt !== null) this.expiring.add(after);
    }
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
  of(key: StockKey, after?: HoldPosition): Iterable<StoredReservation> {
    return this.byRecord.of(key, after);
  }
}
