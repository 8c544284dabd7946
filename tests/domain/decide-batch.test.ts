import { describe, expect, it } from 'vitest';
import type { BatchOperation, BatchStock } from '../../src/domain/commands.js';
import { START, held, stocked } from '../support/facts.js';
import { LATER, given } from '../support/specification.js';

const A = { storeId: 'S1', sku: 'A' };
const B = { storeId: 'S2', sku: 'B' };

function batch(...operations: BatchOperation[]): BatchStock {
  return { type: 'BatchStock', operations };
}

function adjust(name: typeof A, delta: number, expectedVersion?: number): BatchOperation {
  const demand = expectedVersion === undefined ? {} : { expectedVersion };
  return { type: 'AdjustStock', ...name, delta, ...demand };
}

function count(name: typeof A, onHand: number): BatchOperation {
  return { type: 'CountStock', ...name, onHand };
}

function reserve(
  reservationId: string,
  name: typeof A,
  qty: number,
  more: { expectedVersion?: number; ttlMs?: number; reference?: string } = {},
): BatchOperation {
  const { expectedVersion, ...rest } = more;
  const line = expectedVersion === undefined ? { ...name, qty } : { ...name, qty, expectedVersion };
  return { type: 'ReserveStock', reservationId, lines: [line], ...rest };
}

describe('a batch', () => {
  it('is one event: each record moves once, by the sum of what its operations did', () => {
    const { event, ...outcome } = given(stocked('S1/A', 10), stocked('S2/B', 5)).when(
      batch(adjust(A, -4), count(B, 7), reserve('r1', A, 3), adjust(A, 1)),
    );
    outcome.then(
      'StockBatch',
      {
        'S1/A': { version: 2, onHand: 7, reserved: 3 },
        'S2/B': { version: 2, onHand: 7, reserved: 0 },
      },
      [{ id: 'r1', version: 1, status: 'active', expiresAt: null, reference: null }],
    );
    expect(event.lines).toMatchObject([
      { ...A, onHandDelta: -3, reservedDelta: 3 },
      { ...B, onHandDelta: 2, reservedDelta: 0 },
    ]);
    expect(event.operations).toEqual([
      { line: 0 },
      { line: 1 },
      { line: 0, reservation: 0 },
      { line: 0 },
    ]);
  });

  it('makes a reservation of each reserving operation, with its own expiry and reference', () => {
    const { event } = given(stocked('S1/A', 10)).when(
      batch(reserve('r1', A, 3, { ttlMs: 1_000, reference: 'order-7' }), reserve('r2', A, 2)),
    );
    expect(event.reservations).toMatchObject([
      { id: 'r1', expiresAt: LATER + 1_000, reference: 'order-7', lines: [{ ...A, held: 3 }] },
      { id: 'r2', expiresAt: null, reference: null, lines: [{ ...A, held: 2 }] },
    ]);
    expect(event.operations).toMatchObject([
      { line: 0, reservation: 0 },
      { line: 0, reservation: 1 },
    ]);
  });

  it('keeps what was noted of each operation', () => {
    const { event } = given(stocked('S1/A', 10)).when(
      batch(
        { type: 'AdjustStock', ...A, delta: -1, reason: 'broken', reference: 'shelf-3' },
        { type: 'CountStock', ...A, onHand: 8, reason: 'stock-take' },
        adjust(A, 1),
      ),
    );
    expect(event.operations).toEqual([
      { line: 0, reason: 'broken', reference: 'shelf-3' },
      { line: 0, reason: 'stock-take' },
      { line: 0 },
    ]);
  });

  it('lets a later operation use what an earlier one brought', () => {
    given()
      .when(batch(adjust(A, 5), reserve('r1', A, 5)))
      .then('StockBatch', { 'S1/A': { version: 1, onHand: 5, reserved: 5 } }, [{ id: 'r1' }]);
    given()
      .when(batch(count(A, 5), adjust(A, -5)))
      .then('StockBatch', { 'S1/A': { version: 1, onHand: 0, reserved: 0 } });
  });

  it('does not let a later operation use what an earlier one took, and names it', () => {
    given(stocked('S1/A', 5))
      .when(batch(reserve('r1', A, 4), adjust(A, -2)))
      .thenRefused(
        {
          code: 'insufficient-stock',
          operation: 1,
          lines: [{ ...A, requested: 2, available: 1, version: 1 }],
        },
        { 'S1/A': 1 },
      );
    given(stocked('S1/A', 5))
      .when(batch(adjust(A, -2), reserve('r1', A, 4)))
      .thenRefused({
        code: 'insufficient-stock',
        operation: 1,
        lines: [{ ...A, requested: 4, available: 3, version: 1 }],
      });
  });

  it('reserves no unit twice, be it held before the batch or by it', () => {
    given(stocked('S1/A', 5), held('old', { 'S1/A': 2 }))
      .when(batch(reserve('r1', A, 2), reserve('r2', A, 2)))
      .thenRefused({
        code: 'insufficient-stock',
        operation: 1,
        lines: [{ ...A, requested: 2, available: 1, version: 2 }],
      });
  });

  it('reports a record that only the batch has made as version 0', () => {
    given()
      .when(batch(adjust(A, 5), adjust(A, -6)))
      .thenRefused(
        {
          code: 'insufficient-stock',
          operation: 1,
          lines: [{ ...A, requested: 6, available: 5, version: 0 }],
        },
        { 'S1/A': 0 },
      );
  });

  it('does not count below what the batch itself has reserved', () => {
    given(stocked('S1/A', 5))
      .when(batch(reserve('r1', A, 4), count(A, 3)))
      .thenRefused({ code: 'below-reserved', operation: 1, ...A, onHand: 3, reserved: 4 });
  });

  it('refuses all when one operation is refused, relying on what it looked at until then', () => {
    given(stocked('S1/A', 5), stocked('S2/B', 5))
      .when(batch(adjust(A, 1), reserve('r1', { ...A, sku: 'GONE' }, 1), adjust(B, 1)))
      .thenRefused(
        { code: 'stock-not-found', operation: 1, storeId: 'S1', sku: 'GONE' },
        { 'S1/A': 1, 'S1/GONE': 0 },
      );
    given()
      .when(batch(adjust(A, -1)))
      .thenRefused({ code: 'stock-not-found', operation: 0, ...A });
    given(stocked('S1/A', Number.MAX_SAFE_INTEGER))
      .when(batch(adjust(A, -1), adjust(A, 2)))
      .thenRefused({ code: 'quantity-overflow', operation: 1, ...A });
  });

  it('holds each operation to the version before the batch', () => {
    given(stocked('S1/A', 5))
      .when(batch(adjust(A, 1, 1), reserve('r1', A, 1, { expectedVersion: 1 })))
      .then('StockBatch', { 'S1/A': { version: 2, onHand: 6, reserved: 1 } }, [{ id: 'r1' }]);
    given(stocked('S1/A', 5))
      .when(batch(adjust(A, 1), adjust(A, 1, 2)))
      .thenRefused({
        code: 'version-conflict',
        operation: 1,
        expectedVersion: 2,
        currentVersion: 1,
      });
    given(stocked('S1/A', 5))
      .when(batch(reserve('r1', A, 9, { expectedVersion: 2 })))
      .thenRefused({
        code: 'version-conflict',
        operation: 0,
        expectedVersion: 2,
        currentVersion: 1,
      });
  });

  it('says when a shortage will be over by the holds that were there before', () => {
    given(stocked('S1/A', 5), held('old', { 'S1/A': 3 }, { ttlMs: 100_000 }))
      .when(batch(reserve('r1', A, 1, { ttlMs: 1 }), adjust(A, -3)))
      .thenRefused({
        code: 'insufficient-stock',
        operation: 1,
        lines: [{ ...A, requested: 3, available: 1, version: 2 }],
        earliestExpiry: START + 100_000,
      });
  });

  it('may hold thousands of operations', () => {
    const operations = Array.from({ length: 10_000 }, (_, index) =>
      adjust({ storeId: 'S1', sku: `K${index % 5_000}` }, 1),
    );
    const { event } = given().when(batch(...operations));
    expect(event.lines).toHaveLength(5_000);
    expect(event.lines.every(({ onHand }) => onHand === 2)).toBe(true);
    expect(event.operations?.[9_999]).toEqual({ line: 4_999 });
  });
});
