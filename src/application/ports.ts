import type { AggregateEvent } from '../domain/aggregate.js';
import type { DecisionView } from '../domain/decide.js';
import type { AnsweredRequest, EventDraft, InventoryEvent } from '../domain/events.js';
import type { StockKey } from '../domain/keys.js';
import type { RecordTime, StockRecord, StoredReservation } from '../domain/stock.js';

type MaybePromise<T> = T | Promise<T>;

/** The newest state, events included that are not durable yet. Only for deciding. */
export interface NewestState extends DecisionView {
  /** Whether any hold of any record may be due at `at`; in doubt, true. */
  mayHaveDue(at: RecordTime): boolean;
  /** How many idempotency keys are kept, those included that are free again but not cleared. */
  readonly keyCount: number;
}

export interface Transaction {
  /** Record time of everything this transaction appends: never before the last event's. */
  readonly at: RecordTime;
  readonly state: NewestState;
  /**
   * Gives the draft its place in the log, if the one rule holds; `state` shows it from here on.
   * A draft that was decided on `state` always passes: anything else is a defect and throws.
   */
  append(draft: EventDraft, request?: AnsweredRequest): InventoryEvent;
}

export interface Transacted<T> {
  readonly result: T;
  /**
   * Resolves when everything that the work appended or looked at is durable; undefined: it is
   * already. Rejects with UnavailableError 'storage-unavailable' when that was dropped instead,
   * after the cut in the log is itself durable: then it has not happened and never will.
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
 * Where stock lives. All drivers keep the one rule (domain/evolve.ts) and pass one contract suite.
 */
export interface InventoryRepository extends DurableInventory, MovementLog {
  /**
   * Runs `work` alone on the newest state. `work` is synchronous and has no effect but its
   * appends, since a driver that lost a race runs it again on newer state. All its appends happen,
   * or none: where it throws, they are taken back and the rejection is what it threw. Resolves as
   * soon as the appends have their place, before they are durable, so that the next writer need
   * not wait for the disk. Rejects with UnavailableError: 'storage-unavailable' (no room, or broken),
   * 'overloaded' (too much is pending), 'lock-contended', 'shutting-down'; then nothing happened.
   */
  transact<T>(
    work: (transaction: Transaction) => T,
    scope: TransactionScope,
  ): MaybePromise<Transacted<T>>;
  /** Refuses new transactions, waits until what is pending is durable, and lets go of the data. */
  close(): Promise<void>;
}

/** The durable log, for those who follow it. */
export interface DurableLog {
  /** Names the data for other nodes: stays over restarts; data made anew has a new one. */
  readonly nodeId: string;
  /** Up to `limit` durable events after this sequence, in order; at least one where there is one. */
  eventsAfter(sequence: number, limit: number): Promise<readonly InventoryEvent[]>;
  /** The highest durable sequence; 0: nothing has happened yet. */
  durableSequence(): number;
  /**
   * Calls `listener` with every event as it becomes durable from now on, in order, until the
   * returned function is called. Writers are waiting meanwhile: it is quick, and never throws.
   */
  onDurable(listener: DurableListener): () => void;
}

/** The durable log, for the central view. */
export interface MovementLog extends Pick<DurableLog, 'nodeId' | 'durableSequence'> {
  /**
   * As `eventsAfter`, only as much of each event as the central view folds; JSON.stringify may say
   * more of it.
   */
  movementsAfter(sequence: number, limit: number): Promise<readonly AggregateEvent[]>;
}

export type DurableListener = (event: InventoryEvent) => void;

/** Reads: durable state only, and never behind a write that waits for the disk. */
export interface DurableInventory extends DurableLog {
  record(key: StockKey): MaybePromise<StockRecord | undefined>;
  /** Up to `limit` records of one store in SKU order, behind `afterSku`. */
  recordsOf(
    storeId: string,
    page: { readonly after: string | undefined; readonly limit: number },
  ): MaybePromise<readonly StockRecord[]>;
  /** May still know a closed reservation past its retention. */
  reservation(id: string): MaybePromise<StoredReservation | undefined>;
  /** Up to `limit` reservations with this reference in id order, behind `after`. */
  reservationsOf(
    reference: string,
    page: { readonly after: string | undefined; readonly limit: number },
  ): MaybePromise<readonly StoredReservation[]>;
  /** Up to `limit` active holds of one record, soonest expiry first, behind `after`. */
  holdsOf(
    key: StockKey,
    page: { readonly after: HoldPosition | undefined; readonly limit: number },
  ): MaybePromise<readonly StoredReservation[]>;
  /** Up to `limit` holds that are due at `at`, soonest first. */
  dueHolds(at: RecordTime, limit: number): MaybePromise<readonly StoredReservation[]>;
  /** When the next hold of all falls due; undefined: none will. */
  nextExpiry(): MaybePromise<RecordTime | undefined>;
  /** The event at a durable sequence; a sequence that is not there is a defect of the caller. */
  event(sequence: number): Promise<InventoryEvent>;
  /** The present record time, in ms since the epoch. */
  now(): RecordTime;
}

/** A place in the order of holds: by expiry (null: never, last), then by id. */
export interface HoldPosition {
  readonly expiresAt: RecordTime | null;
  readonly id: string;
}
