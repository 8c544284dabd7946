import type { DurableInventory } from '../application/ports.js';
import { type StockKey, stockKey } from '../domain/keys.js';
import { type StoredReservation, isDue } from '../domain/stock.js';
import type { PublishedState } from './published-state.js';

type StateReads = Pick<
  DurableInventory,
  | 'onDurable'
  | 'record'
  | 'recordsOf'
  | 'reservation'
  | 'reservationsOf'
  | 'holdsOf'
  | 'dueHolds'
  | 'nextExpiry'
>;

/** The reads that a driver with its published state in memory answers from there. */
export function createDurableReads(published: PublishedState): StateReads {
  return {
    onDurable: (listener) => published.onDurable(listener),
    record: (key) => published.record(key),
    reservation: (id) => published.reservation(id),
    recordsOf: (storeId, { after, limit }) =>
      take(published.skus(storeId, after), limit, (sku) =>
        published.record(stockKey({ storeId, sku })),
      ),
    reservationsOf: (reference, { after, limit }) =>
      take(published.idsByReference(reference, after), limit, (id) => published.reservation(id)),
    holdsOf: (key: StockKey, { after, limit }) =>
      take(published.holds.of(key, after), limit, (hold) => hold),
    dueHolds(at, limit) {
      const due: StoredReservation[] = [];
      for (const hold of published.holds.soonest()) {
        if (due.length >= limit || !isDue(hold, at)) break;
        due.push(hold);
      }
      return due;
    },
    nextExpiry: () => published.holds.nextExpiry(),
  };
}

function take<I, T>(items: Iterable<I>, limit: number, find: (item: I) => T | undefined): T[] {
  const taken: T[] = [];
  for (const item of items) {
    if (taken.length >= limit) break;
    const found = find(item);
    if (found !== undefined) taken.push(found);
  }
  return taken;
}
