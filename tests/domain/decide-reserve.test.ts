import { describe, expect, it } from 'vitest';
import type { ReserveStock } from '../../src/domain/commands.js';
import { START, held, stocked } from '../support/facts.js';
import { LATER, given } from '../support/specification.js';

const A = { storeId: 'S1', sku: 'A' };
const B = { storeId: 'S2', sku: 'B' };

function reserve(lines: ReserveStock['lines'], more: Partial<ReserveStock> = {}): ReserveStock {
  return { type: 'ReserveStock', reservationId: 'new', lines, ...more };
}

const untouched = { committed: 0, released: 0, expired: 0 };

describe('reserving stock', () => {
  it('holds units for whoever asked, until they are released or committed', () => {
    given(stocked('S1/A', 10))
      .when(reserve([{ ...A, qty: 10 }], { reference: 'order-7' }))
      .then('StockReserved', { 'S1/A': { version: 2, onHand: 10, reserved: 10 } }, [
        {
          id: 'new',
          version: 1,
          status: 'active',
          reference: 'order-7',
          createdAt: LATER,
          expiresAt: null,
          retainUntil: null,
          lines: [{ ...A, qty: 10, held: 10, ...untouched }],
        },
      ]);
  });

  it('counts the time to live from now', () => {
    const { event } = given(stocked('S1/A', 10)).when(
      reserve([{ ...A, qty: 1 }], { ttlMs: 5_000 }),
      START + 1,
    );
    expect(event.reservations[0]).toMatchObject({ createdAt: START + 1, expiresAt: START + 5_001 });
  });

  it('keeps the reference with the event, too', () => {
    const { event } = given(stocked('S1/A', 10)).when(
      reserve([{ ...A, qty: 1 }], { reference: 'order-7' }),
    );
    expect(event.reference).toBe('order-7');
  });

  it('takes what other holds have left, and not one unit more', () => {
    const story = [stocked('S1/A', 10), held('r1', { 'S1/A': 4 })];
    given(...story)
      .when(reserve([{ ...A, qty: 6 }]))
      .then('StockReserved', { 'S1/A': { version: 3, onHand: 10, reserved: 10 } }, [{}]);
    given(...story)
      .when(reserve([{ ...A, qty: 7 }]))
      .thenRefused(
        {
          code: 'insufficient-stock',
          lines: [{ ...A, requested: 7, available: 6, version: 2 }],
        },
        { 'S1/A': 2 },
      );
  });

  it('does not know a record that is not there', () => {
    given()
      .when(reserve([{ ...A, qty: 1 }]))
      .thenRefused({ code: 'stock-not-found', ...A }, { 'S1/A': 0 });
  });

  it('looks at existence, If-Match, expectedVersion and stock, in this order', () => {
    const both = { expectedVersion: 8, qty: 11 };
    given()
      .when(reserve([{ ...A, ...both }], { ifMatch: [9] }))
      .thenRefused({ code: 'stock-not-found', ...A });
    given(stocked('S1/A', 10))
      .when(reserve([{ ...A, ...both }], { ifMatch: [9] }))
      .thenRefused({ code: 'precondition-failed', currentVersion: 1 }, { 'S1/A': 1 });
    given(stocked('S1/A', 10))
      .when(reserve([{ ...A, ...both }], { ifMatch: [1] }))
      .thenRefused({ code: 'version-conflict', expectedVersion: 8, currentVersion: 1 });
    given(stocked('S1/A', 10))
      .when(reserve([{ ...A, ...both, expectedVersion: 1 }], { ifMatch: [1] }))
      .thenRefused({
        code: 'insufficient-stock',
        lines: [{ ...A, requested: 11, available: 10, version: 1 }],
      });
  });
});

describe('an order of several lines', () => {
  it('is one event and one reservation over several stores', () => {
    given(stocked('S1/A', 10), stocked('S2/B', 5))
      .when(
        reserve([
          { ...A, qty: 4 },
          { ...B, qty: 5 },
        ]),
      )
      .then(
        'StockReserved',
        {
          'S1/A': { version: 2, onHand: 10, reserved: 4 },
          'S2/B': { version: 2, onHand: 5, reserved: 5 },
        },
        [
          {
            lines: [
              { ...A, qty: 4, held: 4, ...untouched },
              { ...B, qty: 5, held: 5, ...untouched },
            ],
          },
        ],
      );
  });

  it('is refused as a whole when one line is short, naming all that are', () => {
    given(stocked('S1/A', 10), stocked('S2/B', 5), stocked('S1/C', 1))
      .when(
        reserve([
          { ...A, qty: 11 },
          { ...B, qty: 5 },
          { storeId: 'S1', sku: 'C', qty: 2 },
        ]),
      )
      .thenRefused(
        {
          code: 'insufficient-stock',
          lines: [
            { ...A, requested: 11, available: 10, version: 1 },
            { storeId: 'S1', sku: 'C', requested: 2, available: 1, version: 1 },
          ],
        },
        { 'S1/A': 1, 'S2/B': 1, 'S1/C': 1 },
      );
  });

  it('sums the same record named twice into one line before it compares', () => {
    const twice = reserve([
      { ...A, qty: 6 },
      { ...B, qty: 1 },
      { ...A, qty: 5 },
    ]);
    given(stocked('S1/A', 11), stocked('S2/B', 5))
      .when(twice)
      .then(
        'StockReserved',
        {
          'S1/A': { version: 2, onHand: 11, reserved: 11 },
          'S2/B': { version: 2, onHand: 5, reserved: 1 },
        },
        [
          {
            lines: [
              { ...A, qty: 11, held: 11, ...untouched },
              { ...B, qty: 1, held: 1, ...untouched },
            ],
          },
        ],
      );
    given(stocked('S1/A', 10), stocked('S2/B', 5))
      .when(twice)
      .thenRefused({
        code: 'insufficient-stock',
        lines: [{ ...A, requested: 11, available: 10, version: 1 }],
      });
  });

  it('checks the expected version of each line, also of one named twice', () => {
    given(stocked('S1/A', 10), stocked('S2/B', 5))
      .when(
        reserve([
          { ...A, qty: 1, expectedVersion: 1 },
          { ...B, qty: 1, expectedVersion: 2 },
        ]),
      )
      .thenRefused(
        { code: 'version-conflict', expectedVersion: 2, currentVersion: 1 },
        { 'S1/A': 1, 'S2/B': 1 },
      );
    given(stocked('S1/A', 10))
      .when(
        reserve([
          { ...A, qty: 1, expectedVersion: 1 },
          { ...A, qty: 1, expectedVersion: 2 },
        ]),
      )
      .thenRefused({ code: 'version-conflict', expectedVersion: 2, currentVersion: 1 });
  });

  it('looks whether every record exists before it looks at any version', () => {
    given(stocked('S1/A', 10))
      .when(
        reserve([
          { ...A, qty: 1, expectedVersion: 9 },
          { ...B, qty: 1 },
        ]),
      )
      .thenRefused({ code: 'stock-not-found', ...B }, { 'S1/A': 1, 'S2/B': 0 });
  });

  it('still tells records apart when there are many of them', () => {
    const lines = Array.from({ length: 40 }, (_, index) => ({
      storeId: 'S1',
      sku: `K${index % 20}`,
      qty: 1,
    }));
    const story = lines.slice(0, 20).map(({ sku }) => stocked(`S1/${sku}`, 2));
    const { event } = given(...story).when(reserve(lines));
    expect(event.lines).toHaveLength(20);
    expect(event.lines.every(({ reserved }) => reserved === 2)).toBe(true);
    expect(event.reservations[0]?.lines.every(({ qty }) => qty === 2)).toBe(true);
  });

  it('says when the last of its shortages will be over', () => {
    given(
      stocked('S1/A', 1),
      stocked('S2/B', 1),
      held('r1', { 'S1/A': 1 }, { ttlMs: 100_000 }),
      held('r2', { 'S2/B': 1 }, { ttlMs: 200_000 }),
    )
      .when(
        reserve([
          { ...B, qty: 1 },
          { ...A, qty: 1 },
        ]),
      )
      .thenRefused({
        code: 'insufficient-stock',
        lines: [
          { ...B, requested: 1, available: 0, version: 2 },
          { ...A, requested: 1, available: 0, version: 2 },
        ],
        earliestExpiry: START + 200_000,
      });
  });

  it('does not say when, where all of its shortages together take long to look at', () => {
    const skus = Array.from({ length: 30 }, (_, index) => `K${index}`);
    const one = Object.fromEntries(skus.map((sku) => [`S1/${sku}`, 1]));
    const story = [
      ...skus.map((sku) => stocked(`S1/${sku}`, 30)),
      ...skus.map((sku, index) => held(`r${sku}`, one, { ttlMs: 100_000 + index })),
    ];
    const refusalOf = (lines: number) =>
      given(...story).when(
        reserve(skus.slice(0, lines).map((sku) => ({ storeId: 'S1', sku, qty: 30 }))),
      ).event.refusal;
    expect(refusalOf(11)).toMatchObject({ earliestExpiry: START + 100_029 });
    expect(refusalOf(12)).toMatchObject({ code: 'insufficient-stock' });
    expect(refusalOf(12)).not.toHaveProperty('earliestExpiry');
  });

  it('does not say when one of its shortages has no end', () => {
    given(
      stocked('S1/A', 1),
      stocked('S2/B', 1),
      held('r1', { 'S1/A': 1 }, { ttlMs: 100_000 }),
      held('r2', { 'S2/B': 1 }),
    )
      .when(
        reserve([
          { ...A, qty: 1 },
          { ...B, qty: 1 },
        ]),
      )
      .thenRefused({
        code: 'insufficient-stock',
        lines: [
          { ...A, requested: 1, available: 0, version: 2 },
          { ...B, requested: 1, available: 0, version: 2 },
        ],
      });
  });
});
