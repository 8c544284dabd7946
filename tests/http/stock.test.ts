import { describe, expect, it } from 'vitest';
import {
  heldRecordSchema,
  movedRecordSchema,
  stockRecordSchema,
} from '../../src/http/schemas/response-schemas.js';
import { UnavailableError } from '../../src/domain/errors.js';
import { expectProblem, expectShape, recordPath, startEdge } from '../support/http-edge.js';

const SKU = 'SKU123';
const at = '2025-11-03T09:30:00.000Z';

describe('reading a stock record', () => {
  it('answers with what is on hand, held and available, and with the version as ETag', async () => {
    const edge = await startEdge();
    await edge.stock(SKU, 120);
    await edge.post(`${recordPath(SKU)}/reserve`, { qty: 25 });

    const reply = await edge.get(recordPath(SKU));

    expect(reply.status).toBe(200);
    expectShape(stockRecordSchema, reply.body);
    expect(reply.body).toEqual({
      storeId: 'STORE001',
      sku: SKU,
      qty: 95,
      reserved: 25,
      onHand: 120,
      version: 2,
      updatedAt: at,
    });
    expect(reply.headers).toMatchObject({
      etag: '"2"',
      'cache-control': 'no-cache',
      'content-type': 'application/json',
      'content-length': String(reply.text.length),
    });
  });

  it('finds a SKU with a space, whether it comes as %20 or not at all otherwise', async () => {
    const edge = await startEdge();
    await edge.stock('BANK CHARGES', 3);

    const reply = await edge.get(recordPath('BANK CHARGES'));

    expect(reply.body).toMatchObject({ sku: 'BANK CHARGES', qty: 3 });
  });

  it('is 404 for a record that is not there', async () => {
    const edge = await startEdge();
    await edge.stock(SKU, 1);

    expectProblem(await edge.get(recordPath('sku123')), 404, 'stock-not-found');
    expectProblem(await edge.get(recordPath(SKU, 'store001')), 404, 'stock-not-found');
  });

  it('shows a hold that has just become due as given back', async () => {
    const edge = await startEdge();
    await edge.stock(SKU, 10);
    await edge.post(`${recordPath(SKU)}/reserve`, { qty: 4, ttlMs: 1_000 });

    edge.advance(1_000);

    const reply = await edge.get(recordPath(SKU));
    expect(reply.body).toMatchObject({ qty: 10, reserved: 0, version: 3 });
    expect(reply.headers.etag).toBe('"3"');
  });
});

describe('adjusting a stock record', () => {
  it('creates an unknown record with a positive delta', async () => {
    const edge = await startEdge();

    const reply = await edge.post(`${recordPath(SKU)}/adjust`, { delta: 5, reason: 'delivery' });

    expect(reply.status).toBe(200);
    expectShape(movedRecordSchema, reply.body);
    expect(reply.body).toMatchObject({ record: { onHand: 5, version: 1 }, sequence: 1 });
    expect(reply.headers).toMatchObject({ etag: '"1"', 'cache-control': 'no-store' });
  });

  it('takes units away, down to what is reserved and no further', async () => {
    const edge = await startEdge();
    await edge.stock(SKU, 10);
    await edge.post(`${recordPath(SKU)}/reserve`, { qty: 4 });

    const taken = await edge.post(`${recordPath(SKU)}/adjust`, { delta: -6 });
    const more = await edge.post(`${recordPath(SKU)}/adjust`, { delta: -1 });

    expect(taken.body.record).toMatchObject({ qty: 0, reserved: 4, onHand: 4 });
    expectProblem(more, 422, 'insufficient-stock');
    expect(more.body.lines).toEqual([
      { storeId: 'STORE001', sku: SKU, requested: 1, available: 0, version: 3 },
    ]);
  });

  it('is 404 for a negative delta on an unknown record', async () => {
    const edge = await startEdge();

    const reply = await edge.post(`${recordPath(SKU)}/adjust`, { delta: -1 });

    expectProblem(reply, 404, 'stock-not-found');
  });

  it('is 422 beyond what can be counted exactly', async () => {
    const edge = await startEdge();
    await edge.stock(SKU, Number.MAX_SAFE_INTEGER);

    const reply = await edge.post(`${recordPath(SKU)}/adjust`, { delta: 1 });

    expectProblem(reply, 422, 'quantity-overflow');
  });

  it('is 409 with the current version when another one was expected', async () => {
    const edge = await startEdge();
    await edge.stock(SKU, 1);

    const reply = await edge.post(`${recordPath(SKU)}/adjust`, { delta: 1, expectedVersion: 7 });

    expectProblem(reply, 409, 'version-conflict');
    expect(reply.body).toMatchObject({ expectedVersion: 7, currentVersion: 1 });
  });
});

describe('reserving of a stock record', () => {
  it('makes a hold that lasts until it is ended, and says where it is', async () => {
    const edge = await startEdge();
    await edge.stock(SKU, 120);

    const reply = await edge.post(`${recordPath(SKU)}/reserve`, { qty: 25, reference: 'order-7' });

    expect(reply.status).toBe(201);
    expectShape(heldRecordSchema, reply.body);
    const { reservation } = reply.body;
    expect(reply.body).toEqual({
      record: {
        storeId: 'STORE001',
        sku: SKU,
        qty: 95,
        reserved: 25,
        onHand: 120,
        version: 2,
        updatedAt: at,
      },
      reservation: {
        id: reservation.id,
        status: 'active',
        reference: 'order-7',
        createdAt: at,
        expiresAt: null,
        lines: [
          {
            storeId: 'STORE001',
            sku: SKU,
            qty: 25,
            held: 25,
            committed: 0,
            released: 0,
            expired: 0,
          },
        ],
      },
      sequence: 2,
    });
    expect(reply.headers.location).toBe(`/api/reservations/${reservation.id}`);
    expect(reply.headers.etag).toBeUndefined();
    expect(reply.headers['cache-control']).toBe('no-store');
  });

  it('ends by itself after ttlMs', async () => {
    const edge = await startEdge();
    await edge.stock(SKU, 120);

    const reply = await edge.post(`${recordPath(SKU)}/reserve`, { qty: 1, ttlMs: 900_000 });

    expect(reply.body.reservation.expiresAt).toBe('2025-11-03T09:45:00.000Z');
  });

  it('is 422 with what is available, and with when more will be', async () => {
    const edge = await startEdge();
    await edge.stock(SKU, 10);
    await edge.post(`${recordPath(SKU)}/reserve`, { qty: 4, ttlMs: 60_000 });

    const reply = await edge.post(`${recordPath(SKU)}/reserve`, { qty: 8 });

    expectProblem(reply, 422, 'insufficient-stock');
    expect(reply.body).toMatchObject({
      lines: [{ storeId: 'STORE001', sku: SKU, requested: 8, available: 6, version: 2 }],
      earliestExpiry: '2025-11-03T09:31:00.000Z',
    });
    expect(reply.headers['retry-after']).toBe('60');
  });

  it('names no time where none of the holds ends by itself', async () => {
    const edge = await startEdge();
    await edge.stock(SKU, 10);
    await edge.post(`${recordPath(SKU)}/reserve`, { qty: 4 });

    const reply = await edge.post(`${recordPath(SKU)}/reserve`, { qty: 8 });

    expect(reply.body.earliestExpiry).toBeUndefined();
    expect(reply.headers['retry-after']).toBeUndefined();
  });

  it('is 404 for an unknown record and 409 for another version', async () => {
    const edge = await startEdge();
    await edge.stock(SKU, 10);

    const unknown = await edge.post(`${recordPath('NONE')}/reserve`, { qty: 1 });
    const other = await edge.post(`${recordPath(SKU)}/reserve`, { qty: 1, expectedVersion: 2 });
    const same = await edge.post(`${recordPath(SKU)}/reserve`, { qty: 1, expectedVersion: 1 });

    expectProblem(unknown, 404, 'stock-not-found');
    expectProblem(other, 409, 'version-conflict');
    expect(same.status).toBe(201);
  });
});

describe("releasing one record's part of a reservation", () => {
  it('gives back all of it, or so many units', async () => {
    const edge = await startEdge();
    await edge.stock(SKU, 10);
    const held = await edge.post(`${recordPath(SKU)}/reserve`, { qty: 5 });
    const reservationId = held.body.reservation.id;

    const part = await edge.post(`${recordPath(SKU)}/release`, { reservationId, qty: 2 });
    const rest = await edge.post(`${recordPath(SKU)}/release`, { reservationId });

    expect(part.status).toBe(200);
    expectShape(heldRecordSchema, part.body);
    expect(part.headers.etag).toBe('"3"');
    expect(part.body).toMatchObject({
      record: { qty: 7, reserved: 3, version: 3 },
      reservation: { status: 'active', lines: [{ qty: 5, held: 3, released: 2 }] },
    });
    expect(rest.body).toMatchObject({
      record: { qty: 10, reserved: 0 },
      reservation: { status: 'released', lines: [{ qty: 5, held: 0, released: 5 }] },
    });
  });

  it('is 422 for more than is held, and 409 once nothing is', async () => {
    const edge = await startEdge();
    await edge.stock(SKU, 10);
    const held = await edge.post(`${recordPath(SKU)}/reserve`, { qty: 5 });
    const reservationId = held.body.reservation.id;

    const more = await edge.post(`${recordPath(SKU)}/release`, { reservationId, qty: 6 });
    await edge.post(`${recordPath(SKU)}/release`, { reservationId });
    const again = await edge.post(`${recordPath(SKU)}/release`, { reservationId });

    expectProblem(more, 422, 'reservation-exceeded');
    expectProblem(again, 409, 'reservation-not-active');
    expect(again.body.reservationStatus).toBe('released');
  });

  it('is 404 for an unknown record or reservation, and for one of another record', async () => {
    const edge = await startEdge();
    await edge.stock(SKU, 10);
    await edge.stock('OTHER', 10);
    const held = await edge.post(`${recordPath(SKU)}/reserve`, { qty: 5 });
    const reservationId = held.body.reservation.id;

    const noRecord = await edge.post(`${recordPath('NONE')}/release`, { reservationId });
    const noHold = await edge.post(`${recordPath(SKU)}/release`, { reservationId: 'nope' });
    const notHere = await edge.post(`${recordPath('OTHER')}/release`, { reservationId });

    expectProblem(noRecord, 404, 'stock-not-found');
    expectProblem(noHold, 404, 'reservation-not-found');
    expectProblem(notHere, 404, 'reservation-not-found');
  });
});

describe('counting a stock record', () => {
  it('creates it with If-None-Match: *, and replaces what was believed with If-Match', async () => {
    const edge = await startEdge();

    const created = await edge.put(recordPath(SKU), { onHand: 7 }, { 'If-None-Match': '*' });
    const counted = await edge.put(
      recordPath(SKU),
      { onHand: 0, reason: 'stock-take', reference: 'take-3' },
      { 'If-Match': '"1"' },
    );

    expect(created.status).toBe(201);
    expect(counted.status).toBe(200);
    for (const reply of [created, counted]) {
      expectShape(movedRecordSchema, reply.body);
      // The answer to a PUT must not name a validator of what was not sent (RFC 9110 §9.3.4).
      expect(reply.headers.etag).toBeUndefined();
      expect(reply.headers['cache-control']).toBe('no-store');
    }
    expect(counted.body).toMatchObject({ record: { onHand: 0, version: 2 }, sequence: 2 });
  });

  it('is 422 below what is reserved', async () => {
    const edge = await startEdge();
    await edge.stock(SKU, 10);
    await edge.post(`${recordPath(SKU)}/reserve`, { qty: 5 });

    const reply = await edge.put(recordPath(SKU), { onHand: 4 }, { 'If-Match': '*' });

    expectProblem(reply, 422, 'below-reserved');
  });
});

describe('a record as it was', () => {
  it('is not told while a hold that was over then cannot be recorded as that', async () => {
    let isFull = true;
    const edge = await startEdge({
      around: (real) => ({
        ...real,
        settleRecords: (keys) =>
          isFull
            ? Promise.reject(new UnavailableError('storage-unavailable', 1_000))
            : real.settleRecords(keys),
      }),
    });
    await edge.stock(SKU, 10);
    await edge.post(`${recordPath(SKU)}/reserve`, { qty: 4, ttlMs: 60_000 });
    edge.advance(61_000);
    const then = `${recordPath(SKU)}?at=${new Date(edge.repository.now() - 500).toISOString()}`;
    const before = `${recordPath(SKU)}?at=${new Date(edge.repository.now() - 30_000).toISOString()}`;

    expectProblem(await edge.get(then), 503, 'storage-unavailable');
    expect((await edge.get(before)).body).toMatchObject({ qty: 6, reserved: 4 });
    isFull = false;
    expect((await edge.get(then)).body).toMatchObject({ qty: 10, reserved: 0 });
    expect((await edge.get(before)).body).toMatchObject({ qty: 6, reserved: 4 });
  });
});
