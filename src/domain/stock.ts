import type { HistorySkips } from './history-links.js';
import type { StockName } from './keys.js';

/** Milliseconds since the Unix epoch, monotone over the log. */
export type RecordTime = number;

/** The largest quantity that one request may name, in units. */
export const REQUEST_QTY_MAX = 1_000_000_000;

/** What one store has of one SKU. Available to sell is `onHand - reserved`, never below 0. */
export interface StockRecord extends StockName {
  /** Units physically there. */
  readonly onHand: number;
  /** Units held by active reservations; always the sum of their `held`. */
  readonly reserved: number;
  /** Counts the events that moved this record; 1 at creation. */
  readonly version: number;
  readonly updatedAt: RecordTime;
  /** Sequence of the event that moved it last: the head of this record's history. */
  readonly sequence: number;
  /** What its next line names further back in its history. */
  readonly skips?: HistorySkips;
}

export type ReservationStatus = 'active' | 'committed' | 'released' | 'expired';

export interface ReservationLine extends StockName {
  /** Units reserved at first; equals held + committed + released + expired. */
  readonly qty: number;
  readonly held: number;
  readonly committed: number;
  readonly released: number;
  readonly expired: number;
}

/** A named hold of one or more lines: all of them, or none. */
export interface Reservation {
  readonly id: string;
  /** Counts the events that changed this reservation; 1 at creation. */
  readonly version: number;
  /** Closed with `committed` if any unit was. */
  readonly status: ReservationStatus;
  readonly reference: string | null;
  readonly createdAt: RecordTime;
  /** From this time on the hold is due: it counts for nothing and can only expire. */
  readonly expiresAt: RecordTime | null;
  /** A closed reservation answers until then; null while active. */
  readonly retainUntil: RecordTime | null;
  readonly lines: readonly ReservationLine[];
}

/** A stored reservation, with the events of its life. */
export interface StoredReservation extends Reservation {
  readonly sequences: readonly number[];
}

/** Units that are there to sell. */
export function available(record: Pick<StockRecord, 'onHand' | 'reserved'>): number {
  return record.onHand - record.reserved;
}

export function isDue(reservation: Reservation, at: RecordTime): boolean {
  return (
    reservation.status === 'active' && reservation.expiresAt !== null && reservation.expiresAt <= at
  );
}

/** A closed reservation past its recorded retention is the same as one that never was. */
export function isForgotten(reservation: Reservation, at: RecordTime): boolean {
  return reservation.retainUntil !== null && reservation.retainUntil <= at;
}
