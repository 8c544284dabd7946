import { describe, expect, it } from 'vitest';
import type {
  ExtendReservation,
  ReleaseLine,
  SettleReservation,
} from '../../src/domain/commands.js';
import { decideExpiry } from '../../src/domain/decide-reservation.js';
import { RETENTION_MS, START, held, settled, stocked } from '../support/facts.js';
import { LATER, given } from '../support/specification.js';

const A = { storeId: 'S1', sku: 'A' };
const B = { storeId: 'S2', sku: 'B' };
const stock = [stocked('S1/A', 10), stocked('S2/B', 5)];
const order = [...stock, held('r1', { 'S1/A': 4, 'S2/B': 5 }, { reference: 'order-7' })];
const fresh = { held: 0, committed: 0, released: 0, expired: 0 };
const FORGOTTEN = START + RETENTION_MS;

function commit(lines?: SettleReservation['lines']): SettleReservation {
  return settle('CommitReservation', lines);
}

function release(lines?: SettleReservation['lines']): SettleReservation {
  return settle('ReleaseReservation', lines);
}

function settle(
  type: SettleReservation['type'],
  lines: SettleReservation['lines'],
): SettleReservation {
  return { type, reservationId: 'r1', ...(lines !== undefined && { lines }) };
}

function releaseLine(more: Partial<ReleaseLine> = {}): ReleaseLine {
  return { type: 'ReleaseLine', ...A, reservationId: 'r1', ...more };
}

function extend(ttlMs: number): ExtendReservation {
  return { type: 'ExtendReservation', reservationId: 'r1', ttlMs };
}

describe('committing a reservation', () => {
  it('sells all of it: on hand and reserved both fall', () => {
    given(...order)
      .when(commit())
      .then(
        'StockCommitted',
        {
          'S1/A': { version: 3, onHand: 6, reserved: 0 },
          'S2/B': { version: 3, onHand: 0, reserved: 0 },
        },
        [
          {
            id: 'r1',
            version: 2,
            status: 'committed',
            reference: 'order-7',
            createdAt: START,
            retainUntil: LATER + RETENTION_MS,
            lines: [
              { ...A, ...fresh, qty: 4, committed: 4 },
              { ...B, ...fresh, qty: 5, committed: 5 },
            ],
          },
        ],
      );
  });

  it('sells a part, and goes on holding the rest', () => {
    given(...order)
      .when(commit([{ ...A, qty: 3 }]))
      .then('StockCommitted', { 'S1/A': { version: 3, onHand: 7, reserved: 1 } }, [
        {
          version: 2,
          status: 'active',
          retainUntil: null,
          lines: [
            { ...A, ...fresh, qty: 4, held: 1, committed: 3 },
            { ...B, ...fresh, qty: 5, held: 5 },
          ],
        },
      ]);
  });

  it('takes what is still held after a part was sold', () => {
    given(...order, settled('committed', 'r1', { 'S1/A': 3 }))
      .when(commit())
      .then(
        'StockCommitted',
        {
          'S1/A': { version: 4, onHand: 6, reserved: 0 },
          'S2/B': { version: 3, onHand: 0, reserved: 0 },
        },
        [{ status: 'committed', version: 3 }],
      );
  });

  it('moves no record whose part of the hold is gone already', () => {
    given(...order, settled('released', 'r1', { 'S1/A': 4 }))
      .when(commit())
      .then('StockCommitted', { 'S2/B': { version: 3, onHand: 0, reserved: 0 } }, [
        { status: 'committed' },
      ]);
  });

  it('sums a line named twice before it compares', () => {
    given(...order)
      .when(
        commit([
          { ...A, qty: 3 },
          { ...A, qty: 2 },
        ]),
      )
      .thenRefused({ code: 'reservation-exceeded', ...A, requested: 5, held: 4 }, { r1: 1 });
  });

  it('is refused as a whole when one line wants more than it holds', () => {
    given(...order)
      .when(
        commit([
          { ...A, qty: 4 },
          { ...B, qty: 6 },
        ]),
      )
      .thenRefused({ code: 'reservation-exceeded', ...B, requested: 6, held: 5 });
  });

  it('is refused a record that the reservation never held', () => {
    given(...order)
      .when(commit([{ storeId: 'S1', sku: 'ZERO', qty: 1 }]))
      .thenRefused({
        code: 'reservation-exceeded',
        storeId: 'S1',
        sku: 'ZERO',
        requested: 1,
        held: 0,
      });
  });

  it('is refused once the reservation is closed, with how it ended', () => {
    given(...order, settled('released', 'r1', { 'S1/A': 4, 'S2/B': 5 }))
      .when(commit())
      .thenRefused({ code: 'reservation-not-active', reservationStatus: 'released' }, { r1: 2 });
  });

  it('does not know a reservation that never was', () => {
    given(...stock)
      .when(commit())
      .thenRefused({ code: 'reservation-not-found', reservationId: 'r1' }, { r1: 0 });
  });

  it('does not know a closed reservation from the end of its retention on', () => {
    const story = [...order, settled('released', 'r1', { 'S1/A': 4, 'S2/B': 5 })];
    given(...story)
      .when(commit(), FORGOTTEN - 1)
      .thenRefused({ code: 'reservation-not-active', reservationStatus: 'released' });
    given(...story)
      .when(commit(), FORGOTTEN)
      .thenRefused({ code: 'reservation-not-found', reservationId: 'r1' }, { r1: 0 });
  });
});

describe('releasing a reservation', () => {
  it('gives all of it back: only reserved falls', () => {
    given(...order)
      .when(release())
      .then(
        'StockReleased',
        {
          'S1/A': { version: 3, onHand: 10, reserved: 0 },
          'S2/B': { version: 3, onHand: 5, reserved: 0 },
        },
        [
          {
            status: 'released',
            retainUntil: LATER + RETENTION_MS,
            lines: [
              { ...A, ...fresh, qty: 4, released: 4 },
              { ...B, ...fresh, qty: 5, released: 5 },
            ],
          },
        ],
      );
  });

  it('gives a part back, and goes on holding the rest', () => {
    given(...order)
      .when(release([{ ...B, qty: 2 }]))
      .then('StockReleased', { 'S2/B': { version: 3, onHand: 5, reserved: 3 } }, [
        { status: 'active', retainUntil: null },
      ]);
  });

  it('closes as committed when any unit was sold before', () => {
    given(...order, settled('committed', 'r1', { 'S1/A': 1 }))
      .when(release())
      .then(
        'StockReleased',
        {
          'S1/A': { version: 4, onHand: 9, reserved: 0 },
          'S2/B': { version: 3, onHand: 5, reserved: 0 },
        },
        [{ status: 'committed', lines: [{ committed: 1, released: 3 }, { released: 5 }] as never }],
      );
  });

  it('is refused the second time', () => {
    given(...order, settled('released', 'r1', { 'S1/A': 4, 'S2/B': 5 }))
      .when(release())
      .thenRefused({ code: 'reservation-not-active', reservationStatus: 'released' });
  });
});

describe("releasing one record's part of a reservation", () => {
  it('gives back all that it still holds of the record', () => {
    given(...order, settled('released', 'r1', { 'S1/A': 1 }))
      .when(releaseLine())
      .then('StockReleased', { 'S1/A': { version: 4, onHand: 10, reserved: 0 } }, [
        { status: 'active' },
      ]);
  });

  it('gives back some of it', () => {
    given(...order)
      .when(releaseLine({ qty: 3 }))
      .then('StockReleased', { 'S1/A': { version: 3, onHand: 10, reserved: 1 } }, [
        { status: 'active' },
      ]);
  });

  it('closes the reservation with its last unit', () => {
    given(...stock, held('r1', { 'S1/A': 4 }))
      .when(releaseLine())
      .then('StockReleased', { 'S1/A': { version: 3, onHand: 10, reserved: 0 } }, [
        { status: 'released', retainUntil: LATER + RETENTION_MS },
      ]);
  });

  it('does not give back more than it holds, nor anything twice', () => {
    given(...order)
      .when(releaseLine({ qty: 5 }))
      .thenRefused({ code: 'reservation-exceeded', ...A, requested: 5, held: 4 }, { r1: 1 });
    given(...order, settled('released', 'r1', { 'S1/A': 4 }))
      .when(releaseLine())
      .thenRefused({ code: 'reservation-exceeded', ...A, requested: 1, held: 0 });
  });

  it('does not know a record that is not there, before it looks at the reservation', () => {
    given()
      .when(releaseLine({ ifMatch: [9] }))
      .thenRefused({ code: 'stock-not-found', ...A }, { 'S1/A': 0, r1: 0 });
  });

  it('does not know a reservation that is not there, before it looks at versions', () => {
    given(...stock)
      .when(releaseLine({ ifMatch: [9] }))
      .thenRefused({ code: 'reservation-not-found', reservationId: 'r1' }, { 'S1/A': 1, r1: 0 });
  });

  it('does not know a reservation under a record that it does not hold', () => {
    given(...stock, held('r1', { 'S2/B': 1 }))
      .when(releaseLine())
      .thenRefused({ code: 'reservation-not-found', reservationId: 'r1' }, { 'S1/A': 1, r1: 1 });
  });

  it('looks at If-Match before expectedVersion, and at both before the hold', () => {
    given(...order)
      .when(releaseLine({ ifMatch: [1], expectedVersion: 1, qty: 9 }))
      .thenRefused({ code: 'precondition-failed', currentVersion: 2 }, { 'S1/A': 2, r1: 1 });
    given(...order)
      .when(releaseLine({ ifMatch: [2], expectedVersion: 1, qty: 9 }))
      .thenRefused({ code: 'version-conflict', expectedVersion: 1, currentVersion: 2 });
  });
});

describe('extending a reservation', () => {
  const limited = [...stock, held('r1', { 'S1/A': 4 }, { ttlMs: 100_000 })];

  it('moves its expiry, counted from now, and moves no record', () => {
    given(...limited)
      .when(extend(500_000))
      .then('ReservationExtended', {}, [
        { version: 2, status: 'active', expiresAt: LATER + 500_000, createdAt: START },
      ]);
  });

  it('may shorten it, and gives one to a hold that had none', () => {
    given(...limited)
      .when(extend(1))
      .then('ReservationExtended', {}, [{ expiresAt: LATER + 1 }]);
    given(...order)
      .when(extend(1))
      .then('ReservationExtended', {}, [{ expiresAt: LATER + 1 }]);
  });

  it('is refused once the reservation has expired', () => {
    given(...limited, settled('expired', 'r1', { 'S1/A': 4 }, START + 100_000))
      .when(extend(1), START + 100_001)
      .thenRefused({ code: 'reservation-not-active', reservationStatus: 'expired' }, { r1: 2 });
  });

  it('does not know a reservation that never was', () => {
    given(...stock)
      .when(extend(1))
      .thenRefused({ code: 'reservation-not-found', reservationId: 'r1' }, { r1: 0 });
  });
});

describe('expiring what is due', () => {
  it('gives back what several holds still had, in one event that nobody asked for', () => {
    const story = given(
      ...stock,
      held('r1', { 'S1/A': 4, 'S2/B': 2 }, { ttlMs: 100_000 }),
      held('r2', { 'S1/A': 3 }, { ttlMs: 100_001 }),
      settled('committed', 'r1', { 'S1/A': 1 }),
    );
    const due = [...story.state.reservations.values()];
    const at = START + 100_001;
    const outcome = story.whenDeciding((circumstances) => decideExpiry(due, circumstances), at);
    outcome.then(
      'ReservationExpired',
      {
        'S1/A': { version: 5, onHand: 9, reserved: 0 },
        'S2/B': { version: 3, onHand: 5, reserved: 0 },
      },
      [
        {
          id: 'r1',
          version: 3,
          status: 'committed',
          retainUntil: at + RETENTION_MS,
          lines: [
            { ...A, ...fresh, qty: 4, committed: 1, expired: 3 },
            { ...B, ...fresh, qty: 2, expired: 2 },
          ],
        },
        {
          id: 'r2',
          version: 2,
          status: 'expired',
          lines: [{ ...A, ...fresh, qty: 3, expired: 3 }],
        },
      ],
    );
    expect(outcome.event.reads).toEqual([]);
  });
});
