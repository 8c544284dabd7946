import type { HistorySkips } from './history-links.js';
import type { StockName } from './keys.js';

/** Milliseconds since the Unix epoch; never decreases along the log. */
export type RecordTime = number;

/** The largest quantity that one request may name, in units. */
export const REQUEST_QTY_MAX = 1_000_000_000;

/** The stock of one SKU in one store. `onHand - reserved` is available to sell, never below 0. */
export interface StockRecord extends StockName {
  /** Units physically in the store. */
  readonly onHand: number;
  /** Units held by active reservations; always the sum of their `held`. */
  readonly reserved: number;
  /** Counts the events that moved this record; 1 at creation. */
  readonly version: number;
  readonly updatedAt: RecordTime;
  /** Sequence of the event that moved it last: the head of this record's history. */
  readonly sequence: number;
  /** The skip links of its next line. */
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
  /** On closing, `committed` if any unit was committed. */
  readonly status: ReservationStatus;
  readonly reference: string | null;
  readonly createdAt: RecordTime;
  /** From this time on the hold is due: it no longer counts and can only expire. */
  readonly expiresAt: RecordTime | null;
  /** A closed reservation can be read until then; null while active. */
  readonly retainUntil: RecordTime | null;
  readonly lines: readonly ReservationLine[];
}

/** A reservation with the sequences of all events that changed it. */
export interface StoredReservation extends Reservation {
  readonly sequences: readonly number[];
}

/** Units available to sell. */
export function available(record: Pick<StockRecord, 'onHand' | 'reserved'>): number {
  return record.onHand - record.reserved;
}

export function isDue(reservation: Reservation, at: RecordTime): boolean {
  return (
    reservation.status === 'active' && reservation.expiresAt !== null && reservation.expiresAt <= at
  );
}

/** A closed reservation past its recorded retention counts as one that never existed. */
export function isForgotten(reservation: Reservation, at: RecordTime): boolean {
  return reservation.retainUntil !== null && reservation.retainUntil <= at;
}
