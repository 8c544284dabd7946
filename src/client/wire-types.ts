// The types of the wire format. Their source is the service's schemas (request-schemas.ts and
// response-schemas.ts in src/http/schemas), and a test compares the two: the client itself needs no
// schema library.

export interface StockName {
  readonly storeId: string;
  readonly sku: string;
}

export interface StockRecord extends StockName {
  /** Available to sell: `onHand` less `reserved`. */
  readonly qty: number;
  readonly reserved: number;
  readonly onHand: number;
  /** Counts the events of the record: 1 at its creation. */
  readonly version: number;
  /** RFC 3339, UTC, with milliseconds; so are all times. */
  readonly updatedAt: string;
}

/** `qty` = `held` + `committed` + `released` + `expired`. */
export interface ReservationLine extends StockName {
  readonly qty: number;
  readonly held: number;
  readonly committed: number;
  readonly released: number;
  readonly expired: number;
}

export interface Reservation {
  readonly id: string;
  readonly status: 'active' | 'committed' | 'released' | 'expired';
  readonly reference: string | null;
  readonly createdAt: string;
  /** null: held until it is released or committed. */
  readonly expiresAt: string | null;
  readonly lines: readonly ReservationLine[];
}

export interface StoredReservation extends Reservation {
  /** Sequences of all events that changed it. */
  readonly sequences: readonly number[];
}

export type EventType =
  | 'StockAdjusted'
  | 'StockCounted'
  | 'StockReserved'
  | 'StockReleased'
  | 'StockCommitted'
  | 'StockTransferred'
  | 'StockBatch'
  | 'ReservationExtended'
  | 'ReservationExpired'
  | 'RequestRefused';

export interface EventLine extends StockName {
  /** The version that the event moved the record to. */
  readonly version: number;
  readonly onHandDelta: number;
  readonly reservedDelta: number;
}

export interface StockEvent {
  /** Its place in the log: 1, 2, 3, no gaps. */
  readonly sequence: number;
  readonly type: EventType;
  readonly at: string;
  readonly lines: readonly EventLine[];
  readonly reservationId?: string;
  readonly reason?: string;
  readonly reference?: string;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** null: this was the last page. */
  readonly nextCursor: string | null;
}

export interface FeedPage {
  readonly items: readonly StockEvent[];
  readonly nextAfter: number;
}

export interface MovedRecord {
  readonly record: StockRecord;
  readonly sequence: number;
}

export interface HeldRecord extends MovedRecord {
  readonly reservation: Reservation;
}

export interface SettledReservation {
  readonly reservation: Reservation;
  readonly records: readonly StockRecord[];
  readonly sequence: number;
}

export interface Transferred {
  readonly records: readonly StockRecord[];
  readonly sequence: number;
}

/** `reason`: why, in your words; `reference`: your name for it. Each has 1 to 256 characters. */
export interface Note {
  readonly reason?: string;
  readonly reference?: string;
}

export interface Adjust extends Note {
  readonly delta: number;
  readonly expectedVersion?: number;
}

export interface Count extends Note {
  readonly onHand: number;
}

export interface Reserve {
  readonly qty: number;
  readonly expectedVersion?: number;
  /** In ms; absent: held until it is released or committed. */
  readonly ttlMs?: number;
  readonly reference?: string;
}

export interface OrderLine extends StockName {
  readonly qty: number;
  readonly expectedVersion?: number;
}

export interface CreateReservation {
  readonly lines: readonly OrderLine[];
  readonly ttlMs?: number;
  readonly reference?: string;
}

export interface SettleLine extends StockName {
  readonly qty: number;
}

export interface Transfer {
  readonly from: string;
  readonly to: string;
  readonly lines: readonly { readonly sku: string; readonly qty: number }[];
  readonly reference?: string;
}

interface Keyed {
  readonly idempotencyKey?: string;
}

export type BatchOperation =
  | ({ readonly op: 'adjust' } & StockName & Keyed & Adjust)
  | ({ readonly op: 'reserve' } & StockName & Keyed & Reserve)
  | ({ readonly op: 'count'; readonly expectedVersion?: number } & StockName & Keyed & Count);

export interface OperationDone {
  readonly status: 200 | 201;
  readonly record: StockRecord;
  readonly reservation?: Reservation;
  readonly sequence: number;
}

export interface OperationRefused {
  readonly status: number;
  readonly problem: Problem;
}

export interface BatchResults<Result = OperationDone | OperationRefused> {
  /** One result per operation, in order. */
  readonly results: readonly Result[];
  /** The highest sequence; absent: nothing happened. */
  readonly sequence?: number;
}

/** RFC 9457, with the additional members of some codes. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  /** The member to switch on. */
  readonly code: string;
  readonly requestId: string;
  /** version-conflict, precondition-failed; 0: there is no such record. */
  readonly currentVersion?: number;
  /** reservation-not-active. */
  readonly reservationStatus?: Reservation['status'];
  /** insufficient-stock. */
  readonly lines?: readonly Shortage[];
  readonly earliestExpiry?: string;
  /** position-ahead: where the log ends. */
  readonly sequence?: number;
  /** validation-failed: JSON pointers into the body. */
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

export interface Shortage extends StockName {
  readonly requested: number;
  readonly available: number;
  readonly version: number;
}
