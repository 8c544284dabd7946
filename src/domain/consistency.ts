import type { InventoryEvent } from './events.js';
import { type StockKey, stockKey } from './keys.js';
import type { Reservation, ReservationLine } from './stock.js';

/** The events that may move units in or out; in all others the goods stay where they are. */
const MOVES_ON_HAND: ReadonlySet<string> = new Set([
  'StockAdjusted',
  'StockCounted',
  'StockCommitted',
  'StockTransferred',
  'StockBatch',
]);

/** What an event contradicts in itself, without looking at any state; undefined: nothing. */
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
  if (event.type === 'StockTransferred' && onHandSum !== 0)
    return 'a transfer makes or loses units';
  for (const reservation of event.reservations) {
    const wrong = reservationInconsistency(reservation);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function reservationInconsistency(reservation: Reservation): string | undefined {
  let held = 0;
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

/** How many units more (or less) the given reservations hold of each record than before. */
export function heldDeltas(
  after: readonly Reservation[],
  before: (id: string) => Reservation | undefined,
): Map<StockKey, number> {
  const deltas = new Map<StockKey, number>();
  for (const reservation of after) {
    const lines = before(reservation.id)?.lines;
    reservation.lines.forEach((line, index) => {
      const delta = line.held - heldBefore(lines, line, index);
      const key = stockKey(line);
      if (delta !== 0) deltas.set(key, (deltas.get(key) ?? 0) + delta);
    });
  }
  return deltas;
}

/** A reservation keeps its lines, in their order, for all its life; a stranger never adds up. */
function heldBefore(
  lines: readonly ReservationLine[] | undefined,
  line: ReservationLine,
  index: number,
): number {
  if (lines === undefined) return 0;
  const previous = lines[index];
  const same =
    previous?.storeId === line.storeId && previous.sku === line.sku && previous.qty === line.qty;
  return same ? previous.held : NaN;
}
