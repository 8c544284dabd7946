import type { Refusal } from './errors.js';
import type { HistorySkips } from './history-links.js';
import type { StockName } from './keys.js';
import type { RecordTime, Reservation } from './stock.js';

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

/**
 * One stock record's change inside an event. It names the version it moves to, the deltas and the
 * resulting totals, so that the fold can check the deltas against the totals.
 */
export interface StockLine extends StockName {
  readonly version: number;
  readonly onHandDelta: number;
  readonly reservedDelta: number;
  readonly onHand: number;
  readonly reserved: number;
  /** Sequence of the event that moved this record before; 0 for its first. */
  readonly previousSequence: number;
  /** Links further back in the record's history; see history-links.ts. */
  readonly skips?: HistorySkips;
}

/** A version that the event relied on without moving it; 0: it did not exist. */
export type VersionRead =
  | ({ readonly version: number } & StockName)
  | { readonly version: number; readonly reservationId: string };

/** The idempotency key of the answered request, and what its answer needs besides the event. */
export interface AnsweredRequest {
  /** Digest of caller, method, path and key. */
  readonly key: string;
  /** Digest of the parsed command and its preconditions. */
  readonly fingerprint: string;
  /** From this record time on, the key is free again. */
  readonly keyUntil: RecordTime;
  /** Id and path of a refused request, since its answer contains them. */
  readonly requestId?: string;
  readonly instance?: string;
}

/** One refused operation refuses its whole atomic batch; `operation` is its index. */
export type RecordedRefusal = Refusal & { readonly operation?: number };

/** The result of `decide`: an event without a place in the log yet. */
export interface EventDraft {
  readonly type: EventType;
  readonly lines: readonly StockLine[];
  readonly reads: readonly VersionRead[];
  /** Reservations as the event leaves them, each with the version it moves to. */
  readonly reservations: readonly Reservation[];
  readonly reason?: string | undefined;
  readonly reference?: string | undefined;
  readonly refusal?: RecordedRefusal | undefined;
  /** For a batch: what each operation did, in the order of the request. */
  readonly operations?: readonly BatchEffect[] | undefined;
}

/** Indexes into the event's lines and reservations, with the caller's notes. */
export interface BatchEffect {
  readonly line: number;
  readonly reservation?: number | undefined;
  readonly reason?: string | undefined;
  readonly reference?: string | undefined;
}

/** A fact, with its place in the log. Once durable it never changes. */
export interface InventoryEvent extends EventDraft {
  /** 1, 2, 3 …: no gaps. */
  readonly sequence: number;
  readonly at: RecordTime;
  readonly request?: AnsweredRequest | undefined;
}

/**
 * The size of an event in parts: its lines or operations, whichever are more, its reads, and its
 * reservations with their lines. Its size in memory and on disk grows with it; a part is up to 1 KB.
 */
export function partsOf({ lines, reads, reservations, operations }: EventDraft): number {
  let parts = Math.max(lines.length, operations?.length ?? 0) + reads.length;
  for (const reservation of reservations) parts += 1 + reservation.lines.length;
  return parts;
}
