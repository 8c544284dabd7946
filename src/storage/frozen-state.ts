import { type StockKey, stockKey } from '../domain/keys.js';
import type { KeyEntry } from '../domain/evolve.js';
import type { StockRecord, StoredReservation } from '../domain/stock.js';

/** The state as it was at one event, to be read bit by bit while the service goes on. */
export interface FrozenState {
  readonly lastSequence: number;
  /** Record time of that event, ms since the epoch. */
  readonly lastAt: number;
  readonly stores: readonly string[];
  /** Up to `limit` records of one store in SKU order, behind `after`. */
  recordsOf(storeId: string, after: string | undefined, limit: number): StockRecord[];
  /** In the order in which they came. */
  readonly reservations: readonly StoredReservation[];
  readonly keyDigests: readonly string[];
  /** Those of `keyDigests`, in their order. */
  readonly keyEntries: readonly KeyEntry[];
  /** Nothing more is read: from here on, changes cost nothing extra again. */
  release(): void;
}

/**
 * What records were before they first changed behind a sequence. Everything in the state is
 * immutable, so that a reference is a copy.
 */
export class RecordsBefore {
  private readonly before = new Map<StockKey, StockRecord>();

  constructor(private readonly sequence: number) {}

  /** To be told of every record that is replaced. */
  keep(key: StockKey, replaced: StockRecord | undefined): void {
    if (replaced !== undefined && replaced.sequence <= this.sequence) {
      this.before.set(key, replaced);
    }
  }

  /** The record as it was; undefined: there was none yet. */
  of(current: StockRecord): StockRecord | undefined {
    return current.sequence <= this.sequence ? current : this.before.get(stockKey(current));
  }
}
