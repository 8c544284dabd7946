import type { DurableListener } from '../application/ports.js';
import { assert } from '../assert.js';
import type { Changes, KeyEntry, StateView } from '../domain/evolve.js';
import type { EventDraft, InventoryEvent } from '../domain/events.js';
import { type StockKey, stockKey } from '../domain/keys.js';
import type { StockRecord, StoredReservation } from '../domain/stock.js';
import { MAP_CHANGING_ENTRIES_MAX, MAP_ENTRIES_MAX } from '../map-limits.js';
import { RetentionWalk } from './retention-walk.js';
import { type FrozenState, RecordsBefore } from './frozen-state.js';
import { HoldIndex } from './hold-index.js';
import { SortedIndex } from './sorted-index.js';
import { byCodePoint } from './sorted-set.js';

/**
 * How many dead entries of a kind one event clears away, besides as many as it has added: keeps pace,
 * never stalls.
 */
const CLEARED_MAX = 4;

/** Of keys, the service has one of its own (IDEMP_MAX_KEYS). */
const LIMITS = { records: MAP_ENTRIES_MAX, reservations: MAP_CHANGING_ENTRIES_MAX };

/**
 * The fold of the durable log, with the indexes that reads need. What it holds is bounded by what
 * is alive: records, active reservations, closed ones and keys until their recorded end.
 */
export class PublishedState implements StateView {
  readonly holds = new HoldIndex();
  private readonly records = new Map<StockKey, StockRecord>();
  private readonly reservations = new Map<string, StoredReservation>();
  private readonly keys = new Map<string, KeyEntry>();
  /** Keys that were forgotten while the last event is older than their end: a snapshot has them. */
  private readonly forgottenEarly = new Map<string, KeyEntry>();
  private readonly closed = new Map<string, number>();
  private readonly skusOfStore = new SortedIndex<string, string>(byCodePoint);
  private readonly idsOfReference = new SortedIndex<string, string>(byCodePoint);
  private readonly keyWalk = new RetentionWalk(
    this.keys,
    (entry) => entry.until,
    (digest) => this.forgetKey(digest),
  );
  private readonly closedWalk = new RetentionWalk(
    this.closed,
    (retainUntil) => retainUntil,
    (id) => this.dropReservation(id),
  );
  private readonly listeners = new Set<DurableListener>();
  private sequence = 0;
  private at = 0;
  /** While somebody reads the state as it was. */
  private recordsBefore: RecordsBefore | undefined;

  constructor(private readonly limits = LIMITS) {}

  /** The last event folded in; 0: none yet. */
  get lastSequence(): number {
    return this.sequence;
  }

  /** Record time of the last event folded in, ms since the epoch. */
  get lastAt(): number {
    return this.at;
  }

  /**
   * False: the event would add a record or a reservation to a map that is full, and by its time,
   * `at`, no closed reservation can be forgotten, as it would be when the event is applied.
   */
  hasRoomFor({ lines, reservations }: Pick<EventDraft, 'lines' | 'reservations'>, at: number) {
    const { limits } = this;
    if (this.records.size >= limits.records && lines.some(isNew)) return false;
    if (this.reservations.size < limits.reservations || !reservations.some(isNew)) return true;
    const [oldest] = this.closed.values();
    return oldest !== undefined && oldest <= at;
  }

  get counts(): { records: number; reservations: number; keys: number } {
    const { records, reservations, keys } = this;
    return { records: records.size, reservations: reservations.size, keys: keys.size };
  }

  record(key: StockKey): StockRecord | undefined {
    return this.records.get(key);
  }

  reservation(id: string): StoredReservation | undefined {
    return this.reservations.get(id);
  }

  keyEntry(digest: string): KeyEntry | undefined {
    return this.keys.get(digest);
  }

  allRecords(): Iterable<readonly [StockKey, StockRecord]> {
    return this.records;
  }

  allReservations(): Iterable<StoredReservation> {
    return this.reservations.values();
  }

  allKeys(): Iterable<readonly [string, KeyEntry]> {
    return this.keys;
  }

  /** The SKUs of one store in order, behind `after`. */
  skus(storeId: string, after: string | undefined): Iterable<string> {
    return this.skusOfStore.of(storeId, after);
  }

  /** The ids of the reservations with one reference in order, behind `after`. */
  idsByReference(reference: string, after: string | undefined): Iterable<string> {
    return this.idsOfReference.of(reference, after);
  }

  apply(changes: Changes): void {
    const { event } = changes;
    this.sequence = event.sequence;
    this.at = event.at;
    for (const { key, record } of changes.records) this.putRecord(key, record);
    for (const reservation of changes.reservations) this.putReservation(reservation);
    if (event.request !== undefined) {
      const { key, fingerprint, keyUntil } = event.request;
      this.putKey(key, { fingerprint, sequence: event.sequence, until: keyUntil });
    }
    this.clearForgotten(changes.reservations.length);
    if (this.listeners.size > 0) this.tell(event);
  }

  /** Of every event that is folded in from now on, until the returned function is called. */
  onDurable(listener: DurableListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  putRecord(key: StockKey, record: StockRecord): void {
    const known = this.records.size;
    this.recordsBefore?.keep(key, this.records.get(key));
    this.records.set(key, record);
    if (this.records.size > known) this.skusOfStore.add(record.storeId, record.sku);
  }

  putReservation(reservation: StoredReservation): void {
    const { id, reference } = reservation;
    // The first version of one has none before it: not looked for, in a map that no cache holds.
    const before = reservation.version === 1 ? undefined : this.reservations.get(id);
    this.reservations.set(id, reservation);
    this.holds.replace(before, reservation);
    if (reservation.retainUntil !== null) {
      this.closed.set(id, reservation.retainUntil);
      this.closedWalk.added(reservation.retainUntil);
    }
    if (before === undefined && reference !== null) this.idsOfReference.add(reference, id);
  }

  putKey(digest: string, entry: KeyEntry): void {
    this.keyWalk.added(entry.until);
    const known = this.keys.size;
    this.keys.set(digest, entry);
    if (this.keys.size > known) return;
    // It was dead, and is used again: behind the others, so that the oldest stay in front for clearing.
    this.keys.delete(digest);
    this.keys.set(digest, entry);
  }

  /** The present state, to be read later; one at a time. Costs a copy of references at once. */
  freeze(): FrozenState {
    assert(this.recordsBefore === undefined, 'the state is frozen already');
    const before = new RecordsBefore(this.sequence);
    this.recordsBefore = before;
    return {
      lastSequence: this.sequence,
      lastAt: this.at,
      stores: [...this.skusOfStore.keys()].sort(byCodePoint),
      reservations: [...this.reservations.values()],
      keyDigests: [...this.forgottenEarly.keys(), ...this.keys.keys()],
      keyEntries: [...this.forgottenEarly.values(), ...this.keys.values()],
      recordsOf: (storeId, after, limit) => {
        const records: StockRecord[] = [];
        for (const sku of this.skusOfStore.of(storeId, after)) {
          const current = this.records.get(stockKey({ storeId, sku }));
          const record = current && before.of(current);
          if (record !== undefined && records.push(record) === limit) break;
        }
        return records;
      },
      release: () => (this.recordsBefore = undefined),
    };
  }

  /** A snapshot says where it stands; only used while loading one. */
  startAt(sequence: number, at: number): void {
    this.sequence = sequence;
    this.at = at;
  }

  /** Drops a few keys that are free again at `at`: a full table recovers without an event. */
  forgetKeys(at: number): void {
    this.keyWalk.forget(at, CLEARED_MAX);
  }

  private tell(event: InventoryEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  /** Only memory: what is forgotten is already invisible by its recorded end. */
  private clearForgotten(reservations: number): void {
    this.keyWalk.forget(this.at, CLEARED_MAX);
    this.closedWalk.forget(this.at, CLEARED_MAX + reservations);
    if (this.forgottenEarly.size === 0) return;
    for (const [digest, { until }] of this.forgottenEarly) {
      // In about the order of their ends; the later ones are dropped by later events.
      if (until > this.at) return;
      this.forgottenEarly.delete(digest);
    }
  }

  /**
   * Record time may be past a key's end while the last event is not. A snapshot that left the key
   * out would not be the fold of the log, and a start with a clock that went back would use it again.
   */
  private forgetKey(digest: string): void {
    const entry = this.keys.get(digest);
    if (entry !== undefined && entry.until > this.at) this.forgottenEarly.set(digest, entry);
    this.keys.delete(digest);
  }

  private dropReservation(id: string): void {
    const reference = this.reservations.get(id)?.reference ?? null;
    this.closed.delete(id);
    this.reservations.delete(id);
    if (reference !== null) this.idsOfReference.delete(reference, id);
  }
}

function isNew({ version }: { readonly version: number }): boolean {
  return version === 1;
}
