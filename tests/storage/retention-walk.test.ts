import { expect, it } from 'vitest';
import type { InventoryEvent } from '../../src/domain/events.js';
import type { StoredReservation } from '../../src/domain/stock.js';
import { RetentionWalk } from '../../src/storage/retention-walk.js';
import { PublishedState } from '../../src/storage/published-state.js';

it('what is over is dropped also behind what came first and stays, since the retention was longer then', () => {
  const ends = new Map<string, number>();
  const walk = new RetentionWalk(
    ends,
    (end) => end,
    (id) => ends.delete(id),
  );
  const add = (id: string, end: number): void => {
    ends.set(id, end);
    walk.added(end);
  };
  add('old', 1_000_000);
  let most = 0;
  for (let at = 1; at <= 1_000; at += 1) {
    add(`new-${at}`, at + 10);
    walk.forget(at, 4);
    most = Math.max(most, ends.size);
  }
  expect(most).toBeLessThan(50);
  expect(ends.has('old')).toBe(true);
  expect([...ends.values()].filter((end) => end > 1_000)).toHaveLength(11);
});

it('reservations that events close by the hundred are forgotten by the hundred', () => {
  const state = new PublishedState();
  for (let sequence = 1; sequence <= 1_000; sequence += 1) {
    const at = sequence;
    const event = { sequence, at, type: 'ReservationExpired' } as InventoryEvent;
    const reservations = Array.from({ length: 100 }, (_, index): StoredReservation => ({
      id: `r${sequence}-${index}`,
      version: 2,
      status: 'expired',
      reference: null,
      createdAt: at - 1,
      expiresAt: at,
      retainUntil: at,
      lines: [],
      sequences: [sequence],
    }));
    state.apply({ event, records: [], reservations });
  }
  expect(state.counts.reservations).toBeLessThan(300);
});
