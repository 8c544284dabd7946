import { sameSkips, skipsAfter } from './history-links.js';
import type { InventoryEvent, StockLine, VersionRead } from './events.js';
import { type StockKey, stockKey } from './keys.js';
import {
  type HeldDeltas,
  addHeldDeltas,
  inconsistency,
  reservationContradiction,
} from './consistency.js';
import {
  type Reservation,
  type StockRecord,
  type StoredReservation,
  isDue,
  isForgotten,
} from './stock.js';

/** An idempotency key: the fingerprint of its request and the event that answers it. */
export interface KeyEntry {
  readonly fingerprint: string;
  readonly sequence: number;
  readonly until: number;
}

/** What `decide` and `evolve` may read. It may still contain entries past their retention. */
export interface StateView {
  record(key: StockKey): StockRecord | undefined;
  reservation(id: string): StoredReservation | undefined;
  keyEntry(digest: string): KeyEntry | undefined;
}

export interface RecordChange {
  readonly key: StockKey;
  readonly record: StockRecord;
}

/** What one event changes. */
export interface Changes {
  readonly event: InventoryEvent;
  readonly records: readonly RecordChange[];
  readonly reservations: readonly StoredReservation[];
}

/** Which part of the one rule an event breaks; `inconsistent`: it contradicts itself. */
export interface RuleBreach {
  readonly breach: 'superseded' | 'key-used' | 'reservation-due' | 'inconsistent';
  readonly what: string;
}

/**
 * The one rule, and the only way that state changes: an event commits only if every version it
 * names is still the current one, its idempotency key is unused, and no reservation it uses is
 * due at the event's own time. It is checked here when an event is appended and whenever it is
 * replayed, and does not depend on the configuration.
 */
export function evolve(state: StateView, event: InventoryEvent): Changes | RuleBreach {
  const contradiction = inconsistency(event);
  if (contradiction !== undefined) return { breach: 'inconsistent', what: contradiction };
  if (event.request !== undefined && liveKey(state, event.request.key, event.at) !== undefined) {
    return { breach: 'key-used', what: `idempotency key ${event.request.key}` };
  }
  for (const read of event.reads) {
    const breach = checkRead(state, event, read);
    if (breach !== undefined) return breach;
  }
  // Versions first: an event decided on an older state is superseded, not inconsistent.
  const held: HeldDeltas = new Map();
  const reservations: StoredReservation[] = [];
  for (const next of event.reservations) {
    const before = state.reservation(next.id);
    const breach = checkReservation(before, next, event);
    if (breach !== undefined) return breach;
    addHeldDeltas(held, before, next);
    reservations.push(stored(before, next, event.sequence));
  }
  const records: RecordChange[] = [];
  const named = event.lines.length > 1 ? new Set<StockKey>() : undefined;
  for (const line of event.lines) {
    const key = stockKey(line);
    named?.add(key);
    const before = state.record(key);
    const heldDelta = held.size === 0 ? 0 : takeHeldDelta(held, key);
    const breach = checkLine(before, line, heldDelta);
    if (breach !== undefined) return breach;
    records.push({ key, record: moved(before, line, event) });
  }
  // Two lines of one record would each have been checked against the state before both.
  if (named !== undefined && named.size < records.length) {
    return { breach: 'inconsistent', what: 'a record has two lines' };
  }
  for (const [key, delta] of held) {
    if (delta !== 0) return { breach: 'inconsistent', what: `hold of ${key} without its line` };
  }
  return { event, records, reservations };
}

/** A delta that is never taken belongs to a hold without a line. */
function takeHeldDelta(held: HeldDeltas, key: StockKey): number {
  const delta = held.get(key) ?? 0;
  if (delta !== 0) held.set(key, 0);
  return delta;
}

/** The entry of a key that is still in its retention at `at`. */
export function liveKey(state: StateView, digest: string, at: number): KeyEntry | undefined {
  const entry = state.keyEntry(digest);
  return entry !== undefined && entry.until > at ? entry : undefined;
}

/** The reservation as a client may see it at `at`: past its retention it is unknown. */
export function knownReservation(
  state: StateView,
  id: string,
  at: number,
): StoredReservation | undefined {
  const reservation = state.reservation(id);
  return reservation !== undefined && !isForgotten(reservation, at) ? reservation : undefined;
}

function checkRead(
  state: StateView,
  event: InventoryEvent,
  read: VersionRead,
): RuleBreach | undefined {
  if ('sku' in read) {
    const key = stockKey(read);
    const current = state.record(key)?.version ?? 0;
    return current === read.version ? undefined : superseded(key, read.version, current);
  }
  const reservation = knownReservation(state, read.reservationId, event.at);
  const current = reservation?.version ?? 0;
  if (current !== read.version) return superseded(read.reservationId, read.version, current);
  if (reservation !== undefined && isDue(reservation, event.at)) return due(reservation);
  return undefined;
}

function checkLine(
  before: StockRecord | undefined,
  line: StockLine,
  heldDelta: number,
): RuleBreach | undefined {
  const version = before?.version ?? 0;
  if (line.version !== version + 1) return superseded(stockKey(line), line.version - 1, version);
  if (
    line.onHand !== (before?.onHand ?? 0) + line.onHandDelta ||
    line.reserved !== (before?.reserved ?? 0) + line.reservedDelta ||
    line.previousSequence !== (before?.sequence ?? 0) ||
    !sameSkips(line.skips, before?.skips)
  ) {
    return { breach: 'inconsistent', what: `${stockKey(line)} does not follow its last state` };
  }
  if (line.reservedDelta !== heldDelta) {
    return { breach: 'inconsistent', what: `${stockKey(line)} reserved without its hold` };
  }
  return undefined;
}

function checkReservation(
  before: StoredReservation | undefined,
  next: Reservation,
  event: InventoryEvent,
): RuleBreach | undefined {
  const version = before?.version ?? 0;
  if (next.version !== version + 1) return superseded(next.id, next.version - 1, version);
  const what = reservationContradiction(before, next, event.type);
  if (what !== undefined) return { breach: 'inconsistent', what };
  if (before === undefined) return undefined;
  const expiring = event.type === 'ReservationExpired';
  if (isDue(before, event.at) !== expiring) {
    return expiring
      ? { breach: 'inconsistent', what: `reservation ${next.id} is not due` }
      : due(before);
  }
  return undefined;
}

function moved(
  before: StockRecord | undefined,
  line: StockLine,
  event: InventoryEvent,
): StockRecord {
  return {
    // The record's own strings, so that names are in memory once, not once per request.
    storeId: before?.storeId ?? line.storeId,
    sku: before?.sku ?? line.sku,
    onHand: line.onHand,
    reserved: line.reserved,
    version: line.version,
    updatedAt: event.at,
    sequence: event.sequence,
    skips: skipsAfter(line.skips, line.version, event.sequence),
  };
}

function stored(
  before: StoredReservation | undefined,
  next: Reservation,
  sequence: number,
): StoredReservation {
  return {
    id: next.id,
    version: next.version,
    status: next.status,
    reference: next.reference,
    createdAt: next.createdAt,
    expiresAt: next.expiresAt,
    retainUntil: next.retainUntil,
    lines: next.lines,
    sequences: before === undefined ? [sequence] : [...before.sequences, sequence],
  };
}

function superseded(what: string, named: number, current: number): RuleBreach {
  return { breach: 'superseded', what: `${what}: named version ${named}, current ${current}` };
}

function due(reservation: Reservation): RuleBreach {
  return { breach: 'reservation-due', what: `reservation ${reservation.id}` };
}
