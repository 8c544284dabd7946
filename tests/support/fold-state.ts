import type { DecisionView } from '../../src/domain/decide.js';
import { type Changes, type KeyEntry, type RuleBreach, evolve } from '../../src/domain/evolve.js';
import type { InventoryEvent } from '../../src/domain/events.js';
import { type StockKey, stockKey } from '../../src/domain/keys.js';
import type { StockRecord, StoredReservation } from '../../src/domain/stock.js';

/** The plainest fold there can be: three maps, nothing forgotten, holds found by looking at all. */
export class FoldState implements DecisionView {
  readonly records = new Map<StockKey, StockRecord>();
  readonly reservations = new Map<string, StoredReservation>();
  readonly keys = new Map<string, KeyEntry>();
  lastSequence = 0;
  lastAt = 0;

  record(key: StockKey): StockRecord | undefined {
    return this.records.get(key);
  }

  reservation(id: string): StoredReservation | undefined {
    return this.reservations.get(id);
  }

  keyEntry(digest: string): KeyEntry | undefined {
    return this.keys.get(digest);
  }

  expiringHolds(key: StockKey): StoredReservation[] {
    return this.holdsOf(key)
      .filter(({ expiresAt }) => expiresAt !== null)
      .sort((a, b) => a.expiresAt! - b.expiresAt! || (a.id < b.id ? -1 : 1));
  }

  holdsOf(key: StockKey): StoredReservation[] {
    return [...this.reservations.values()].filter(
      ({ status, lines }) =>
        status === 'active' && lines.some((line) => line.held > 0 && stockKey(line) === key),
    );
  }

  /** Takes the event in, if the one rule holds. */
  apply(event: InventoryEvent): Changes | RuleBreach {
    const changes = evolve(this, event);
    if ('breach' in changes) return changes;
    for (const { key, record } of changes.records) this.records.set(key, record);
    for (const reservation of changes.reservations) {
      this.reservations.set(reservation.id, reservation);
    }
    if (event.request !== undefined) {
      const { key, fingerprint, keyUntil } = event.request;
      this.keys.set(key, { fingerprint, sequence: event.sequence, until: keyUntil });
    }
    this.lastSequence = event.sequence;
    this.lastAt = event.at;
    return changes;
  }
}
