import type { InventoryEvent } from '../../src/domain/events.js';
import { type StockName, stockKey } from '../../src/domain/keys.js';
import type { StoredReservation } from '../../src/domain/stock.js';
import type { FoldState } from '../support/fold-state.js';

/** What a recorded refusal says that was not so in this state; undefined: all of it was. */
export function refusalLie(state: FoldState, event: InventoryEvent): string | undefined {
  if (event.refusal === undefined || isTrue(state, event, event.refusal)) return undefined;
  return JSON.stringify(event.refusal);
}

function isTrue(
  state: FoldState,
  { at, reads }: InventoryEvent,
  refusal: NonNullable<InventoryEvent['refusal']>,
): boolean {
  const record = (name: StockName) => state.record(stockKey(name));
  const [read] = reads;
  switch (refusal.code) {
    case 'insufficient-stock':
      return refusal.lines.every((line) => {
        const { onHand = 0, reserved = 0 } = record(line) ?? {};
        return line.available === onHand - reserved && line.requested > line.available;
      });
    case 'stock-not-found':
      return record(refusal) === undefined;
    case 'below-reserved':
      return refusal.reserved === record(refusal)?.reserved && refusal.onHand < refusal.reserved;
    case 'version-conflict':
      return (
        refusal.currentVersion === read?.version &&
        refusal.currentVersion !== refusal.expectedVersion
      );
    case 'reservation-not-found':
      return !isKnown(state.reservation(refusal.reservationId), at);
    case 'reservation-not-active': {
      if (read === undefined || !('reservationId' in read)) return false;
      const { status } = state.reservation(read.reservationId) ?? {};
      return status !== 'active' && status === refusal.reservationStatus;
    }
    case 'reservation-exceeded':
      return refusal.requested > refusal.held;
    case 'precondition-failed':
    case 'quantity-overflow':
    case 'same-store':
      // Nothing that the stories ask for is refused like this.
      return false;
  }
}

function isKnown(reservation: StoredReservation | undefined, at: number): boolean {
  if (reservation === undefined) return false;
  return reservation.retainUntil === null || reservation.retainUntil > at;
}
