import type { AggregateEvent } from '../domain/aggregate.js';
import type { DecisionView } from '../domain/decide.js';
import type { AnsweredRequest, EventDraft, InventoryEvent } from '../domain/events.js';
import type { StockKey } from '../domain/keys.js';
import type { RecordTime, StockRecord, StoredReservation } from '../domain/stock.js';

type MaybePromise<T> = T | Promise<T>;

/** The newest state, including events that are not durable yet. Only for decisions. */
export interface NewestState extends DecisionView {
  /** Whether any hold of any record may be due at `at`; true if in doubt. */
  mayHaveDue(at: RecordTime): boolean;
  /** How many idempotency keys are kept, including expired ones that are not cleared yet. */
  readonly keyCount: number;
}

export interface Transaction {
  /** Record time of everything this transaction appends; never before the last event's time. */
  readonly at: RecordTime;
  readonly state: NewestState;
  /**
   * Gives the draft its place in the log if the one rule holds; `state` then includes it. A draft
   * that was decided on `state` always passes: anything else is a defect and throws.
   */
  append(draft: EventDraft, request?: AnsweredRequest): InventoryEvent;
}

export interface Transacted<T> {
  readonly result: T;
  /**
   * Resolves when everything that the work appended or read is durable; undefined: it already is.
   * Rejects with UnavailableError 'storage-unavailable' when it was dropped instead, once the cut
   * in the log is itself durable: then it has not happened and never will.
   */
  readonly durable: Promise<void> | undefined;
}

/** What a transaction may touch: these records, this reservation with its records, this key. */
export interface TransactionScope {
  readonly records: readonly StockKey[];
  readonly reservationId?: string | undefined;
  readonly keyDigest?: string | undefined;
}

/**
 * Storage of stock. All drivers keep the one rule (domain/evolve.ts) and pass one contract suite.
 */
export interface InventoryRepository extends DurableInventory, MovementLog {
  /**
   * Runs `work` exclusively on the newest state. `work` is synchronous and has no effect but its
   * appends, since a driver that lost a race runs it again on newer state. All its appends happen
   * or none: if it throws, they are undone and the rejection is what it threw. Resolves as soon as
   * the appends have their place, before they are durable, so that the next writer need not wait
   * for the disk. Rejects with UnavailableError 'storage-unavailable' (no room, or broken),
   * 'overloaded' (too much is pending), 'lock-contended' or 'shutting-down': nothing has happened.
   */
  transact<T>(
    work: (transaction: Transaction) => T,
    scope: TransactionScope,
  ): MaybePromise<Transacted<T>>;
  /** Refuses new transactions, waits until pending events are durable, and closes the data. */
  close(): Promise<void>;
}

/** The durable log, for its followers. */
export interface DurableLog {
  /** Names the data for other nodes: kept over restarts; new data has a new id. */
  readonly nodeId: string;
  /** Up to `limit` durable events after this sequence, in order; at least one, if any exists. */
  eventsAfter(sequence: number, limit: number): Promise<readonly InventoryEvent[]>;
  /** The highest durable sequence; 0: the log is empty. */
  durableSequence(): number;
  /**
   * Calls `listener` with every event that becomes durable from now on, in order, until the
   * returned function is called. Writers wait for it: it must be quick and never throw.
   */
  onDurable(listener: DurableListener): () => void;
}

/** The durable log, for the central view. */
export interface MovementLog extends Pick<DurableLog, 'nodeId' | 'durableSequence'> {
  /**
   * As `eventsAfter`, but only the part of each event that the central view folds; JSON.stringify
   * may yield more of it.
   */
  movementsAfter(sequence: number, limit: number): Promise<readonly AggregateEvent[]>;
}

export type DurableListener = (event: InventoryEvent) => void;

/** Reads: of durable state only, and never waiting behind a write that waits for the disk. */
export interface DurableInventory extends DurableLog {
  record(key: StockKey): MaybePromise<StockRecord | undefined>;
  /** Up to `limit` records of one store after the SKU `after`, in SKU order. */
  recordsOf(
    storeId: string,
    page: { readonly after: string | undefined; readonly limit: number },
  ): MaybePromise<readonly StockRecord[]>;
  /** May still return a closed reservation past its retention. */
  reservation(id: string): MaybePromise<StoredReservation | undefined>;
  /** Up to `limit` reservations with this reference after the id `after`, in id order. */
  reservationsOf(
    reference: string,
    page: { readonly after: string | undefined; readonly limit: number },
  ): MaybePromise<readonly StoredReservation[]>;
  /** Up to `limit` active holds of one record after `after`, soonest expiry first. */
  holdsOf(
    key: StockKey,
    page: { readonly after: HoldPosition | undefined; readonly limit: number },
  ): MaybePromise<readonly StoredReservation[]>;
  /** Up to `limit` holds that are due at `at`, soonest first. */
  dueHolds(at: RecordTime, limit: number): MaybePromise<readonly StoredReservation[]>;
  /** When the next hold of any record falls due; undefined: none will. */
  nextExpiry(): MaybePromise<RecordTime | undefined>;
  /** The event at a durable sequence; any other sequence is a defect of the caller. */
  event(sequence: number): Promise<InventoryEvent>;
  /** The present record time, in ms since the epoch. */
  now(): RecordTime;
}

/** A place in the order of holds: by expiry (null, never, comes last), then by id. */
export interface HoldPosition {
  readonly expiresAt: RecordTime | null;
  readonly id: string;
}
