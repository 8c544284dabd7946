import { describe, expect, it } from 'vitest';
import { decideReleaseLine } from '../../src/domain/decide-reservation.js';
import { decide } from '../../src/domain/decide.js';
import type { AnsweredRequest, StockLine } from '../../src/domain/events.js';
import { type RuleBreach, evolve } from '../../src/domain/evolve.js';
import type { Reservation, ReservationLine } from '../../src/domain/stock.js';
import {
  type Fact,
  type PlacedDraft,
  RETENTION_MS,
  START,
  draftOf,
  held,
  keyed,
  movedLine,
  named,
  settled,
  stocked,
} from '../support/facts.js';
import { given } from '../support/specification.js';

const stock = [stocked('S1/A', 10), stocked('S2/B', 5)];
const order = [...stock, held('r1', { 'S1/A': 4, 'S2/B': 2 })];
const request: AnsweredRequest = { key: 'k', fingerprint: 'f', keyUntil: START + 1_000 };

/** The same fact with something changed about it. */
function changed(fact: Fact, change: (draft: PlacedDraft) => Partial<PlacedDraft>): Fact {
  return (state) => {
    const draft = fact(state);
    return { ...draft, ...change(draft) };
  };
}

/** The first line of the fact with something changed about it. */
function withLine(fact: Fact, change: (line: StockLine) => Partial<StockLine>): Fact {
  return changed(fact, ({ lines: [first, ...rest] }) => ({
    lines: [{ ...first!, ...change(first!) }, ...rest],
  }));
}

/** The first reservation of the fact with something changed about it. */
function withHold(fact: Fact, change: (hold: Reservation) => Partial<Reservation>): Fact {
  return changed(fact, ({ reservations: [first, ...rest] }) => ({
    reservations: [{ ...first!, ...change(first!) }, ...rest],
  }));
}

/** The first line of its first reservation with something changed about it. */
function withHoldLine(fact: Fact, change: Partial<ReservationLine>): Fact {
  return withHold(fact, ({ lines: [first, ...rest] }) => ({
    lines: [{ ...first!, ...change }, ...rest],
  }));
}

function refusal(reads: PlacedDraft['reads'], at = START): Fact {
  const refused = { code: 'same-store', storeId: 'S1' } as const;
  return () => ({ ...draftOf('RequestRefused', at), reads, refusal: refused });
}

function breaks(
  story: readonly Fact[],
  fact: Fact,
  breach: RuleBreach['breach'],
  what: string,
): void {
  expect(given(...story).whenAppending(fact)).toEqual({
    breach,
    what: expect.stringContaining(what) as string,
  });
}

function holds(story: readonly Fact[], fact: Fact): void {
  expect(given(...story).whenAppending(fact)).not.toHaveProperty('breach');
}

describe('an event that keeps the one rule', () => {
  it('moves its records and reservations, and says when and by which event', () => {
    const changes = given(...order).whenAppending(
      settled('committed', 'r1', { 'S1/A': 3 }, START + 5),
    );
    expect(changes).toMatchObject({
      records: [
        {
          key: 'S1/A',
          record: {
            ...named('S1/A'),
            onHand: 7,
            reserved: 1,
            version: 3,
            updatedAt: START + 5,
            sequence: 4,
          },
        },
      ],
      reservations: [{ id: 'r1', version: 2, status: 'active', sequences: [3, 4] }],
    });
  });

  it('says what changes, and changes nothing itself', () => {
    const { state } = given(...order);
    const draft = settled('committed', 'r1', { 'S1/A': 3 })(state);
    const event = { ...draft, sequence: state.lastSequence + 1 };
    const before = JSON.stringify([...state.records, ...state.reservations, event]);
    expect(evolve(state, event)).toEqual(evolve(state, event));
    expect(JSON.stringify([...state.records, ...state.reservations, event])).toBe(before);
  });
});

describe('an event that names a version', () => {
  it('is superseded where its record moved on', () => {
    const stale = withLine(stocked('S1/A', 3), () => ({ version: 1 }));
    breaks([...stock], stale, 'superseded', 'S1/A: named version 0, current 1');
  });

  it('is superseded where its record is not there yet', () => {
    const early = withLine(stocked('S1/A', 3), () => ({ version: 2 }));
    breaks([], early, 'superseded', 'S1/A: named version 1, current 0');
  });

  it('is superseded where any of its lines is', () => {
    const fact = changed(held('r2', { 'S1/A': 1, 'S2/B': 1 }), ({ lines }) => ({
      lines: [lines[0]!, { ...lines[1]!, version: 1 }],
    }));
    breaks([...stock], fact, 'superseded', 'S2/B');
  });

  it('is superseded where its reservation moved on', () => {
    const stale = withHold(settled('released', 'r1', { 'S1/A': 1 }), () => ({ version: 1 }));
    breaks([...order], stale, 'superseded', 'r1: named version 0, current 1');
  });

  it('is superseded where its new reservation has the id of another', () => {
    breaks([...order], held('r1', { 'S1/A': 1 }), 'superseded', 'r1: named version 0, current 1');
  });

  it('is superseded, not contradictory, where another settled a part of its reservation', () => {
    // Both were decided on the same state; the first moved S2/B only, the second moves S1/A only.
    const story = given(...order);
    const second = decide(
      { type: 'CommitReservation', reservationId: 'r1', lines: [{ ...named('S1/A'), qty: 4 }] },
      circumstances(story.state),
    );
    const first = story.whenAppending(settled('released', 'r1', { 'S2/B': 1 }));
    expect(first).not.toHaveProperty('breach');
    expect(story.whenAppending(() => ({ ...second, at: START }))).toMatchObject({
      breach: 'superseded',
    });
  });
});

describe('an event that relied on what it only read', () => {
  const A = named('S1/A');

  it('holds while the record is as it was read', () => {
    holds([...stock], refusal([{ ...A, version: 1 }]));
  });

  it('is superseded where the record moved on', () => {
    breaks([...order], refusal([{ ...A, version: 1 }]), 'superseded', 'S1/A: named version 1');
  });

  it('is superseded where a record that was absent now exists', () => {
    holds([], refusal([{ ...A, version: 0 }]));
    breaks([...stock], refusal([{ ...A, version: 0 }]), 'superseded', 'S1/A: named version 0');
  });

  it('is superseded where the reservation moved on', () => {
    const read = refusal([{ reservationId: 'r1', version: 1 }]);
    holds([...order], read);
    breaks([...order, settled('released', 'r1', { 'S1/A': 1 })], read, 'superseded', 'r1: named');
  });

  it('is superseded where a reservation that was absent now exists', () => {
    const read = refusal([{ reservationId: 'r1', version: 0 }]);
    holds([...stock], read);
    breaks([...order], read, 'superseded', 'r1: named version 0, current 1');
  });

  it('must not rely on a hold that is due at its own time', () => {
    const limited = [...stock, held('r1', { 'S1/A': 4 }, { ttlMs: 1_000 })];
    const read = (at: number) => refusal([{ reservationId: 'r1', version: 1 }], at);
    holds(limited, read(START + 999));
    breaks(limited, read(START + 1_000), 'reservation-due', 'r1');
  });

  it('reads a reservation past its retention as one that never was', () => {
    const closed = [...order, settled('released', 'r1', { 'S1/A': 4, 'S2/B': 2 })];
    const read = (version: number, at: number) => refusal([{ reservationId: 'r1', version }], at);
    const end = START + RETENTION_MS;
    holds(closed, read(2, end - 1));
    breaks(closed, read(0, end - 1), 'superseded', 'r1');
    holds(closed, read(0, end));
    breaks(closed, read(2, end), 'superseded', 'r1');
  });
});

describe('an event with an idempotency key', () => {
  const first = [keyed(stocked('S1/A', 10), request)];
  const again = (key: string, at: number) =>
    keyed(stocked('S1/A', 11, at), { ...request, key, keyUntil: at + 1_000 });

  it('is refused while the key is used', () => {
    breaks(first, again('k', START + 999), 'key-used', 'k');
  });

  it('may use the key again from keyUntil on', () => {
    holds(first, again('k', START + 1_000));
  });

  it('is refused the key again once it is used anew', () => {
    const twice = [...first, again('k', START + 1_000)];
    breaks(twice, again('k', START + 1_999), 'key-used', 'k');
    holds(twice, again('k', START + 2_000));
  });

  it('is not concerned by other keys, nor an event without one by any', () => {
    holds(first, again('other', START + 1));
    holds(first, stocked('S1/A', 11, START + 1));
  });
});

describe('an event that uses a reservation', () => {
  const limited = [...stock, held('r1', { 'S1/A': 4 }, { ttlMs: 1_000 })];

  it.each(['committed', 'released'] as const)('is not %s once due', (part) => {
    holds(limited, settled(part, 'r1', { 'S1/A': 4 }, START + 999));
    breaks(limited, settled(part, 'r1', { 'S1/A': 4 }, START + 1_000), 'reservation-due', 'r1');
  });

  it('is not extended once due', () => {
    const extended = (at: number): Fact =>
      withHold(
        changed(settled('released', 'r1', {}, at), () => draftFields(at)),
        (hold) => ({
          ...hold,
          expiresAt: at + 5,
        }),
      );
    holds(limited, extended(START + 999));
    breaks(limited, extended(START + 1_000), 'reservation-due', 'r1');
  });

  it('expires it no earlier than it is due', () => {
    const expired = (at: number) => settled('expired', 'r1', { 'S1/A': 4 }, at);
    breaks(limited, expired(START + 999), 'inconsistent', 'r1 is not due');
    holds(limited, expired(START + 1_000));
  });

  it('never expires one without an expiry', () => {
    breaks(
      [...stock, held('r1', { 'S1/A': 4 })],
      settled('expired', 'r1', { 'S1/A': 4 }, START + 1e12),
      'inconsistent',
      'r1 is not due',
    );
  });

  it('does not touch one that is closed', () => {
    const closed = [...order, settled('released', 'r1', { 'S1/A': 4, 'S2/B': 2 })];
    const reopened = withHold(settled('released', 'r1', {}), () => ({ version: 3 }));
    breaks(closed, reopened, 'inconsistent', 'r1 is released');
  });

  function draftFields(at: number): Partial<PlacedDraft> {
    return { type: 'ReservationExtended', at };
  }
});

describe('an event that contradicts itself or what was before', () => {
  const take = (fact: Fact, what: string, story: readonly Fact[] = order): void =>
    breaks(story, fact, 'inconsistent', what);

  it('refuses, and is no refusal', () => {
    const refused = { code: 'same-store', storeId: 'S1' } as const;
    take(
      changed(stocked('S1/A', 9), () => ({ refusal: refused })),
      'a refusal is',
    );
    take(() => draftOf('RequestRefused', START), 'a refusal is');
  });

  it('refuses, and moves stock or holds', () => {
    const refused = { refusal: { code: 'same-store', storeId: 'S1' } } as const;
    const type = 'RequestRefused';
    take(
      changed(stocked('S1/A', 9), () => ({ type, ...refused })),
      'a refusal moves',
    );
    take(
      changed(settled('released', 'r1', {}), () => ({ type, ...refused })),
      'a refusal moves',
    );
  });

  it('counts in parts of units', () => {
    take(stocked('S1/A', 9.5), 'not whole units');
    take(held('r2', { 'S1/A': 0.5 }), 'not whole units');
    take(stocked('S1/A', Number.MAX_SAFE_INTEGER + 1), 'not whole units');
    take(stocked('S1/A', NaN), 'not whole units');
  });

  it('would sell below zero', () => {
    holds(order, stocked('S1/A', 4));
    take(stocked('S1/A', 3), 'S1/A would fall below zero');
    take(stocked('S1/C', -1), 'S1/C would fall below zero');
    take(held('r2', { 'S1/A': 7 }), 'S1/A would fall below zero');
  });

  it('has fewer than no units reserved', () => {
    const fact: Fact = (state) => ({
      ...draftOf('StockAdjusted', START),
      lines: [movedLine(state, 'S2/C', { onHand: () => 5, reserved: -1 })],
    });
    take(fact, 'S2/C would fall below zero');
  });

  it.each(['StockReserved', 'StockReleased', 'ReservationExtended', 'ReservationExpired'] as const)(
    'moves units on hand by a %s',
    (type) => {
      take(
        changed(stocked('S1/A', 9), () => ({ type })),
        `${type} moves units on hand`,
      );
    },
  );

  it('commits other units than were held', () => {
    const fact = withLine(settled('committed', 'r1', { 'S1/A': 3 }), ({ onHand }) => ({
      onHandDelta: -2,
      onHand: onHand + 1,
    }));
    take(fact, 'S1/A commits other units than it held');
  });

  it('makes or loses units in a transfer', () => {
    const moving = (from: number, to: number): Fact => {
      return (state) => ({
        ...draftOf('StockTransferred', START),
        lines: [
          movedLine(state, 'S1/A', { onHand: () => -from }),
          movedLine(state, 'S2/A', { onHand: () => to }),
        ],
      });
    };
    holds([...order], moving(2, 2));
    take(moving(2, 3), 'a transfer makes or loses units');
    take(moving(2, 1), 'a transfer makes or loses units');
  });

  it('has two lines for one record', () => {
    const fact: Fact = (state) => ({
      ...draftOf('StockBatch', START),
      lines: [
        movedLine(state, 'S1/A', { onHand: () => 1 }),
        movedLine(state, 'S1/A', { onHand: () => 2 }),
      ],
    });
    take(fact, 'a record has two lines');
  });

  it('has one reservation twice, or one with a record twice', () => {
    const twice = changed(settled('released', 'r1', { 'S1/A': 1 }), ({ reservations }) => ({
      reservations: [...reservations, ...reservations],
    }));
    take(twice, 'a reservation is there twice');
    const doubled = withHold(held('r2', { 'S1/A': 1 }), ({ lines }) => ({
      lines: [...lines, ...lines],
    }));
    take(doubled, 'r2 has a record twice');
  });

  it.each([
    ['held', { held: -1, committed: 4, released: 1 }],
    ['committed', { committed: -1, held: 5 }],
    ['released', { released: -1, held: 5 }],
    ['expired', { expired: -1, held: 5 }],
  ] as const)('has a reservation with fewer than no units %s', (_, parts) => {
    take(withHoldLine(settled('released', 'r1', {}), parts), 'r1 has a part below zero');
  });

  it('has a reservation that does not add up', () => {
    take(withHoldLine(held('r2', { 'S1/A': 1 }), { held: 2 }), 'r2 does not add up');
    take(withHoldLine(held('r2', { 'S1/A': 1 }), { held: NaN }), 'r2 does not add up');
    const behind = changed(held('r2', { 'S1/A': 1 }), ({ reservations: [whole] }) => ({
      reservations: [
        whole!,
        { ...whole!, id: 'r3', lines: whole!.lines.map((line) => ({ ...line, held: 2 })) },
      ],
    }));
    take(behind, 'r3 does not add up');
  });

  it('has an active reservation that holds nothing, or a closed one that does', () => {
    const empty = withHold(settled('released', 'r1', { 'S1/A': 4, 'S2/B': 2 }), () => ({
      status: 'active',
      retainUntil: null,
    }));
    take(empty, 'r1 is active and holds 0');
    const early = withHold(settled('released', 'r1', { 'S1/A': 4 }), () => ({
      status: 'released',
      retainUntil: START + 1,
    }));
    take(early, 'r1 is released and holds 2');
  });

  it('retains an active reservation, or does not retain a closed one', () => {
    const open = withHold(held('r2', { 'S1/A': 1 }), () => ({ retainUntil: START + 1 }));
    take(open, 'r2 is active without its retention');
    const closed = withHold(settled('released', 'r1', { 'S1/A': 4, 'S2/B': 2 }), () => ({
      retainUntil: null,
    }));
    take(closed, 'r1 is released without its retention');
  });

  it('does not follow the last state of its record', () => {
    const what = 'S1/A does not follow its last state';
    take(
      withLine(stocked('S1/A', 9), () => ({ onHand: 8 })),
      what,
    );
    take(
      withLine(held('r2', { 'S1/A': 1 }), () => ({ reserved: 6 })),
      what,
    );
    take(
      withLine(stocked('S1/A', 9), () => ({ previousSequence: 1 })),
      what,
    );
    take(
      withLine(stocked('S1/A', 9), () => ({ previousSequence: 1 })),
      what,
      [],
    );
    const skipping = (skips?: number[]) => withLine(stocked('S1/A', 9), () => ({ skips }));
    take(skipping([1]), what);
    const busy = Array.from({ length: 70 }, (_, index) => stocked('S1/A', index));
    holds(busy, stocked('S1/A', 9));
    take(skipping(undefined), what, busy);
    take(skipping([63]), what, busy);
  });

  it('reserves without a hold, or holds without reserving', () => {
    const noHold = changed(held('r2', { 'S1/A': 1 }), () => ({ reservations: [] }));
    take(noHold, 'S1/A reserved without its hold');
    const more = withLine(held('r2', { 'S1/A': 1 }), ({ reserved }) => ({
      reserved: reserved + 1,
      reservedDelta: 2,
    }));
    take(more, 'S1/A reserved without its hold');
    const noLine = changed(held('r2', { 'S1/A': 1 }), () => ({ lines: [] }));
    take(noLine, 'hold of S1/A without its line');
  });

  it('changes the lines of a reservation', () => {
    const what = 'r1 changed its lines';
    const released = settled('released', 'r1', { 'S1/A': 1 });
    take(
      withHold(released, ({ lines }) => ({ lines: lines.slice(0, 1) })),
      what,
    );
    const third = { ...named('S1/C'), qty: 0, held: 0, committed: 0, released: 0, expired: 0 };
    take(
      withHold(released, ({ lines }) => ({ lines: [...lines, third] })),
      what,
    );
    take(withHoldLine(released, { sku: 'OTHER' }), what);
    take(withHoldLine(released, { storeId: 'S9' }), what);
    take(withHoldLine(released, { qty: 5, released: 2 }), what);
  });

  it('moves units of a reservation where its type does not', () => {
    const sold = withHoldLine(settled('released', 'r1', { 'S1/A': 1 }), {
      released: 0,
      committed: 1,
    });
    take(sold, 'StockReleased makes 1 units of reservation r1 committed');
    const story = [...order, settled('released', 'r1', { 'S1/A': 1 })];
    const back = withHoldLine(settled('committed', 'r1', { 'S1/A': 1 }), {
      released: 0,
      committed: 2,
    });
    take(back, 'StockCommitted makes -1 units of reservation r1 released', story);
    const born = withHoldLine(held('r2', { 'S1/A': 1 }), { qty: 2, committed: 1 });
    take(born, 'StockReserved makes 1 units of reservation r2 committed');
  });
});

describe('a refusal that comes late', () => {
  it('cannot be recorded once what it was refused on has changed', () => {
    const story = given(...stock, held('r1', { 'S2/B': 1 }));
    const command = { type: 'ReleaseLine', ...named('S1/A'), reservationId: 'r1' } as const;
    const draft = decideReleaseLine(command, circumstances(story.state));
    story.whenAppending(stocked('S1/A', 11));
    expect(story.whenAppending(() => ({ ...draft, at: START }))).toMatchObject({
      breach: 'superseded',
    });
  });
});

function circumstances(state: ReturnType<typeof given>['state']) {
  return { state, at: START, reservationRetentionMs: RETENTION_MS };
}
