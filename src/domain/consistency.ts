import type { EventType, InventoryEvent } from './events.js';
import { type StockKey, stockKey } from './keys.js';
import type { Reservation, ReservationLine, ReservationStatus } from './stock.js';

/** The event types that may change `onHand`. */
const MOVES_ON_HAND: ReadonlySet<string> = new Set([
  'StockAdjusted',
  'StockCounted',
  'StockCommitted',
  'StockTransferred',
  'StockBatch',
]);

/** How an event contradicts itself, judged without any state; undefined: it does not. */
export function inconsistency(event: InventoryEvent): string | undefined {
  const refused = event.type === 'RequestRefused';
  if (refused !== (event.refusal !== undefined)) return 'a refusal is a RequestRefused event';
  if (refused && event.lines.length + event.reservations.length > 0) return 'a refusal moves stock';
  const mayMove = MOVES_ON_HAND.has(event.type);
  let onHandSum = 0;
  for (const line of event.lines) {
    const { onHand, reserved } = line;
    if (!Number.isSafeInteger(onHand) || !Number.isSafeInteger(reserved)) return 'not whole units';
    if (reserved < 0 || onHand < reserved) return `${stockKey(line)} would fall below zero`;
    if (line.onHandDelta !== 0 && !mayMove) return `${event.type} moves units on hand`;
    if (event.type === 'StockCommitted' && line.onHandDelta !== line.reservedDelta) {
      return `${stockKey(line)} commits other units than it held`;
    }
    onHandSum += line.onHandDelta;
  }
  if (event.type === 'StockTransferred' && onHandSum !== 0) {
    return 'a transfer makes or loses units';
  }
  if (repeats(event.reservations, ({ id }) => id)) return 'a reservation is there twice';
  for (const reservation of event.reservations) {
    const wrong = reservationInconsistency(reservation);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** Two changes of the same thing would each be checked against the state before both. */
function repeats<T>(items: readonly T[], nameOf: (item: T) => string): boolean {
  return items.length > 1 && new Set(items.map(nameOf)).size < items.length;
}

function reservationInconsistency(reservation: Reservation): string | undefined {
  let held = 0;
  if (repeats(reservation.lines, stockKey)) {
    return `reservation ${reservation.id} has a record twice`;
  }
  for (const line of reservation.lines) {
    held += line.held;
    if (line.held < 0 || line.committed < 0 || line.released < 0 || line.expired < 0) {
      return `reservation ${reservation.id} has a part below zero`;
    }
    if (line.qty !== line.held + line.committed + line.released + line.expired) {
      return `reservation ${reservation.id} does not add up`;
    }
  }
  if ((reservation.status === 'active') !== held > 0) {
    return `reservation ${reservation.id} is ${reservation.status} and holds ${held}`;
  }
  if ((reservation.status === 'active') !== (reservation.retainUntil === null)) {
    return `reservation ${reservation.id} is ${reservation.status} without its retention`;
  }
  return undefined;
}

/** The part of a reservation's lines that an event type adds to; other types add to none. */
export const PART_OF = {
  StockCommitted: 'committed',
  StockReleased: 'released',
  ReservationExpired: 'expired',
} as const satisfies Partial<Record<EventType, keyof ReservationLine & ReservationStatus>>;

const PARTS = ['committed', 'released', 'expired'] as const;

/** How an event's version of a reservation contradicts the previous one; undefined: it does not. */
export function reservationContradiction(
  before: Reservation | undefined,
  after: Reservation,
  type: EventType,
): string | undefined {
  const { id, lines } = after;
  if (before !== undefined && before.status !== 'active') {
    return `reservation ${id} is ${before.status}`;
  }
  // A reservation's lines and their order never change.
  const strange = before !== undefined && before.lines.length !== lines.length;
  if (strange) return `reservation ${id} changed its lines`;
  const growing: string | undefined = PART_OF[type as keyof typeof PART_OF];
  for (const [index, line] of lines.entries()) {
    const was = before?.lines[index];
    if (was !== undefined && !isSameLine(was, line)) return `reservation ${id} changed its lines`;
    for (const part of PARTS) {
      const grown = line[part] - (was?.[part] ?? 0);
      if (grown < 0 || (grown > 0 && part !== growing)) {
        return `${type} makes ${grown} units of reservation ${id} ${part}`;
      }
    }
  }
  return undefined;
}

function isSameLine(a: ReservationLine, b: ReservationLine): boolean {
  return a.sku === b.sku && a.storeId === b.storeId && a.qty === b.qty;
}

/** Change in the units that reservations hold, by record. */
export type HeldDeltas = Map<StockKey, number>;

export function addHeldDeltas(
  deltas: HeldDeltas,
  before: Reservation | undefined,
  after: Reservation,
): void {
  for (const [index, line] of after.lines.entries()) {
    const delta = line.held - (before?.lines[index]?.held ?? 0);
    if (delta === 0) continue;
    const key = stockKey(line);
    deltas.set(key, (deltas.get(key) ?? 0) + delta);
  }
}
