import { assert } from '../assert.js';
import type { DecisionView } from '../domain/decide.js';
import { type Changes, type KeyEntry, type RuleBreach, evolve } from '../domain/evolve.js';
import type { InventoryEvent } from '../domain/events.js';
import type { StockKey } from '../domain/keys.js';
import type { StockRecord, StoredReservation } from '../domain/stock.js';
import { RecordHolds, byExpiry } from './hold-index.js';
import type { PublishedState } from './published-state.js';

/**
 * Published state below, and above it the pending overlay: the events still on their way to disk.
 * Writers decide on both (this view); reads see `published` only.
 */
export class LayeredState implements DecisionView {
  private readonly queue: Changes[] = [];
  /** How many of the queue's head have been published already. */
  private head = 0;
  private readonly records = new Map<StockKey, StockRecord>();
  private readonly reservations = new Map<string, StoredReservation>();
  /** Of those, the active ones with an expiry. */
  private readonly expiring = new RecordHolds();
  /** No pending hold is due before this time. */
  private pendingExpiry = Infinity;
  private readonly keys = new Map<string, KeyEntry>();

  constructor(readonly published: PublishedState) {}

  /** The newest event, pending ones included. */
  get lastSequence(): number {
    return this.queue.at(-1)?.event.sequence ?? this.published.lastSequence;
  }

  get lastAt(): number {
    return this.queue.at(-1)?.event.at ?? this.published.lastAt;
  }

  get pendingEvents(): number {
    return this.queue.length - this.head;
  }

  record(key: StockKey): StockRecord | undefined {
    return this.records.get(key) ?? this.published.record(key);
  }

  reservation(id: string): StoredReservation | undefined {
    return this.reservations.get(id) ?? this.published.reservation(id);
  }

  keyEntry(digest: string): KeyEntry | undefined {
    return this.keys.get(digest) ?? this.published.keyEntry(digest);
  }

  expiringHolds(key: StockKey): Iterable<StoredReservation> {
    const published = this.published.holds.of(key);
    return this.reservations.size === 0 ? expiringOnly(published) : this.merged(key, published);
  }

  /** Whether any hold at all may be due at `at`; in doubt, true. Cheap: every write asks. */
  mayHaveDue(at: number): boolean {
    const next = this.published.holds.nextExpiry();
    return this.pendingExpiry <= at || (next !== undefined && next <= at);
  }

  /** Live keys, and dead ones that are not cleared yet. */
  get keyCount(): number {
    return this.published.counts.keys + this.keys.size;
  }

  /** Takes an event in as pending, if the one rule holds. */
  append(event: InventoryEvent): Changes | RuleBreach {
    assert(event.sequence === this.lastSequence + 1, 'an event leaves a gap');
    assert(event.at >= this.lastAt, 'an event goes back in time');
    const changes = evolve(this, event);
    if (!('breach' in changes)) this.lay(changes);
    return changes;
  }

  /** Takes in an event that is durable already, if the one rule holds; only while none is pending. */
  appendDurable(event: InventoryEvent): Changes | RuleBreach {
    const { published } = this;
    assert(this.pendingEvents === 0, `event ${event.sequence} follows one that is pending`);
    assert(event.sequence === published.lastSequence + 1, `event ${event.sequence} leaves a gap`);
    const changes = evolve(published, event);
    if (!('breach' in changes)) published.apply(changes);
    return changes;
  }

  /** Takes back what was appended behind `sequence`, as if it had never been. */
  takeBack(sequence: number): void {
    if (this.lastSequence === sequence) return;
    const kept = this.queue.slice(this.head).filter(({ event }) => event.sequence <= sequence);
    this.dropPending();
    for (const changes of kept) this.lay(changes);
  }

  /** Moves the overlay down, up to and with `sequence`: that is durable now. */
  publish(sequence: number): void {
    for (;;) {
      const changes = this.queue[this.head];
      if (changes === undefined || changes.event.sequence > sequence) break;
      this.head += 1;
      this.published.apply(changes);
      this.forgetPending(changes);
    }
    if (this.pendingExpiry <= this.published.lastAt) this.pendingExpiry = this.soonestPending();
    if (this.head === this.queue.length) {
      this.queue.length = 0;
      this.head = 0;
    } else if (this.head > 1_024) {
      this.queue.splice(0, this.head);
      this.head = 0;
    }
  }

  /** Drops everything that is pending: its write failed, it never happened. */
  dropPending(): void {
    this.queue.length = 0;
    this.head = 0;
    this.records.clear();
    this.reservations.clear();
    this.expiring.clear();
    this.pendingExpiry = Infinity;
    this.keys.clear();
  }

  /** Lays what an event changes over everything below. */
  private lay(changes: Changes): void {
    this.queue.push(changes);
    for (const { key, record } of changes.records) this.records.set(key, record);
    for (const reservation of changes.reservations) {
      const { id, expiresAt } = reservation;
      this.untrack(this.reservations.get(id));
      this.reservations.set(id, reservation);
      if (expiresAt === null || reservation.status !== 'active') continue;
      this.expiring.add(reservation);
      this.pendingExpiry = Math.min(this.pendingExpiry, expiresAt);
    }
    const { request, sequence } = changes.event;
    if (request === undefined) return;
    const { key, fingerprint, keyUntil } = request;
    this.keys.set(key, { fingerprint, sequence, until: keyUntil });
  }

  private untrack(reservation: StoredReservation | undefined): void {
    if (reservation?.status !== 'active' || reservation.expiresAt === null) return;
    this.expiring.remove(reservation);
  }

  /** Looked up anew only when the bound that was kept has passed. */
  private soonestPending(): number {
    let soonest = Infinity;
    for (const { status, expiresAt } of this.reservations.values()) {
      if (status === 'active' && expiresAt !== null) soonest = Math.min(soonest, expiresAt);
    }
    return soonest;
  }

  private forgetPending({ event, records, reservations }: Changes): void {
    for (const { key, record } of records) {
      if (this.records.get(key) === record) this.records.delete(key);
    }
    for (const reservation of reservations) {
      const { id } = reservation;
      if (this.reservations.get(id) !== reservation) continue;
      this.reservations.delete(id);
      this.untrack(reservation);
    }
    if (this.reservations.size === 0) this.pendingExpiry = Infinity;
    const digest = event.request?.key;
    if (digest !== undefined && this.keys.get(digest)?.sequence === event.sequence) {
      this.keys.delete(digest);
    }
  }

  private *merged(
    key: StockKey,
    published: Iterable<StoredReservation>,
  ): Iterable<StoredReservation> {
    const pending = [...this.expiring.of(key)];
    let next = 0;
    for (const hold of expiringOnly(published)) {
      if (this.reservations.has(hold.id)) continue;
      for (; next < pending.length; next += 1) {
        const candidate = pending[next];
        if (candidate === undefined || byExpiry(candidate, hold) > 0) break;
        yield candidate;
      }
      yield hold;
    }
    yield* pending.slice(next);
  }
}

function* expiringOnly(inOrder: Iterable<StoredReservation>): Iterable<StoredReservation> {
  for (const hold of inOrder) {
    if (hold.expiresAt === null) return;
    yield hold;
  }
}
