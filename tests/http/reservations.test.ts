import { describe, expect, it } from 'vitest';
import {
  reservationPageSchema,
  settledSchema,
  storedReservationSchema,
} from '../../src/http/schemas/response-schemas.js';
import {
  type Edge,
  expectProblem,
  expectShape,
  recordPath,
  startEdge,
} from '../support/http-edge.js';

const RESERVATIONS = '/api/reservations';

function line(sku: string, qty: number, storeId = 'STORE001') {
  return { storeId, sku, qty };
}

/** A and B have ten each in STORE001, A has ten in STORE002; an order holds some of all three. */
async function withOrder(terms: object = {}): Promise<{ edge: Edge; path: string }> {
  const edge = await startEdge();
  await edge.stock('A', 10);
  await edge.stock('B', 10);
  await edge.stock('A', 10, 'STORE002');
  const lines = [line('A', 5), line('B', 3), line('A', 1, 'STORE002')];
  const reply = await edge.post(RESERVATIONS, { lines, ...terms });
  return { edge, path: `${RESERVATIONS}/${reply.body.reservation.id}` };
}

describe('an order over several records', () => {
  it('holds all of its lines as one event', async () => {
    const edge = await startEdge();
    await edge.stock('A', 10);
    await edge.stock('B', 10, 'STORE002');

    const reply = await edge.post(RESERVATIONS, {
      lines: [line('A', 4), line('B', 6, 'STORE002')],
      reference: 'order-7',
      ttlMs: 60_000,
    });

    expect(reply.status).toBe(201);
    expectShape(settledSchema, reply.body);
    expect(reply.body).toMatchObject({
      reservation: {
        status: 'active',
        reference: 'order-7',
        expiresAt: '2025-11-03T09:31:00.000Z',
        lines: [
          { sku: 'A', held: 4 },
          { sku: 'B', held: 6 },
        ],
      },
      records: [
        { sku: 'A', qty: 6, version: 2 },
        { storeId: 'STORE002', sku: 'B', qty: 4, version: 2 },
      ],
      sequence: 3,
    });
    expect(reply.headers.location).toBe(`${RESERVATIONS}/${reply.body.reservation.id}`);
    expect(reply.headers.etag).toBeUndefined();
  });

  it('holds nothing at all where one line is short, and names every short line', async () => {
    const edge = await startEdge();
    await edge.stock('A', 10);
    await edge.stock('B', 1);
    await edge.stock('C', 2);

    const reply = await edge.post(RESERVATIONS, {
      lines: [line('A', 4), line('B', 2), line('C', 3)],
    });

    expectProblem(reply, 422, 'insufficient-stock');
    expect(reply.body.lines).toEqual([
      { storeId: 'STORE001', sku: 'B', requested: 2, available: 1, version: 1 },
      { storeId: 'STORE001', sku: 'C', requested: 3, available: 2, version: 1 },
    ]);
    expect((await edge.get(recordPath('A'))).body).toMatchObject({ qty: 10, version: 1 });
  });

  it('sums a record that is named twice before it compares', async () => {
    const edge = await startEdge();
    await edge.stock('A', 10);

    const tooMuch = await edge.post(RESERVATIONS, { lines: [line('A', 6), line('A', 6)] });
    const enough = await edge.post(RESERVATIONS, { lines: [line('A', 4), line('A', 6)] });

    expectProblem(tooMuch, 422, 'insufficient-stock');
    expect(tooMuch.body.lines).toMatchObject([{ requested: 12, available: 10 }]);
    expect(enough.body.reservation.lines).toMatchObject([{ sku: 'A', qty: 10 }]);
  });

  it('is 404 with an unknown record, and 409 where one has another version', async () => {
    const edge = await startEdge();
    await edge.stock('A', 10);

    const unknown = await edge.post(RESERVATIONS, { lines: [line('A', 1), line('NONE', 1)] });
    const other = await edge.post(RESERVATIONS, {
      lines: [{ ...line('A', 1), expectedVersion: 3 }],
    });

    expectProblem(unknown, 404, 'stock-not-found');
    expectProblem(other, 409, 'version-conflict');
  });
});

describe('a reservation', () => {
  it('is sold as a whole by an empty commit', async () => {
    const { edge, path } = await withOrder();

    const reply = await edge.post(`${path}/commit`);

    expect(reply.status).toBe(200);
    expectShape(settledSchema, reply.body);
    expect(reply.body).toMatchObject({
      reservation: { status: 'committed', lines: [{ committed: 5 }, { committed: 3 }, {}] },
      records: [
        { sku: 'A', onHand: 5, reserved: 0, qty: 5 },
        { sku: 'B', onHand: 7, reserved: 0 },
        { storeId: 'STORE002', onHand: 9 },
      ],
    });
    expect(reply.headers['cache-control']).toBe('no-store');
  });

  it('is given back as a whole by an empty release', async () => {
    const { edge, path } = await withOrder();

    const reply = await edge.post(`${path}/release`, {});

    expect(reply.body).toMatchObject({
      reservation: { status: 'released' },
      records: [{ qty: 10 }, { qty: 10 }, { qty: 10 }],
    });
  });

  it('can be sold in part, given back in part, and ends as committed if any unit was', async () => {
    const { edge, path } = await withOrder();

    const sold = await edge.post(`${path}/commit`, { lines: [line('A', 2), line('B', 3)] });
    const rest = await edge.post(`${path}/release`);

    expect(sold.body).toMatchObject({
      reservation: {
        status: 'active',
        lines: [{ held: 3, committed: 2 }, { held: 0, committed: 3 }, { held: 1 }],
      },
      records: [
        { sku: 'A', onHand: 8, reserved: 3 },
        { sku: 'B', onHand: 7, reserved: 0 },
      ],
    });
    expect(rest.body).toMatchObject({
      reservation: { status: 'committed', lines: [{ released: 3 }, {}, { released: 1 }] },
    });
    expect(rest.body.records).toHaveLength(2);
  });

  it('cannot be settled beyond what it holds', async () => {
    const { edge, path } = await withOrder();

    const more = await edge.post(`${path}/commit`, { lines: [line('A', 6)] });
    const summed = await edge.post(`${path}/release`, { lines: [line('A', 3), line('A', 3)] });
    const stranger = await edge.post(`${path}/commit`, { lines: [line('NONE', 1)] });

    for (const reply of [more, summed, stranger]) expectProblem(reply, 422, 'reservation-exceeded');
  });

  it('can be extended from now on; no stock moves', async () => {
    const { edge, path } = await withOrder({ ttlMs: 10_000 });
    edge.advance(9_000);

    const reply = await edge.post(`${path}/extend`, { ttlMs: 10_000 });

    expect(reply.status).toBe(200);
    expectShape(settledSchema, reply.body);
    expect(reply.body).toMatchObject({
      reservation: { status: 'active', expiresAt: '2025-11-03T09:30:19.000Z' },
      records: [],
      sequence: 5,
    });
  });

  it('is over once it was settled or its time has come', async () => {
    const sold = await withOrder();
    const late = await withOrder({ ttlMs: 10_000 });
    await sold.edge.post(`${sold.path}/commit`);
    late.edge.advance(10_000);

    for (const action of ['commit', 'release', 'extend']) {
      const body = action === 'extend' ? { ttlMs: 1_000 } : {};
      const afterSale = await sold.edge.post(`${sold.path}/${action}`, body);
      const tooLate = await late.edge.post(`${late.path}/${action}`, body);

      expectProblem(afterSale, 409, 'reservation-not-active');
      expect(afterSale.body.reservationStatus).toBe('committed');
      expectProblem(tooLate, 409, 'reservation-not-active');
      expect(tooLate.body.reservationStatus).toBe('expired');
    }
  });

  it('is 404 for every action where nobody knows it', async () => {
    const edge = await startEdge();

    expectProblem(await edge.get(`${RESERVATIONS}/nope`), 404, 'reservation-not-found');
    for (const action of ['commit', 'release', 'extend']) {
      const body = action === 'extend' ? { ttlMs: 1_000 } : undefined;
      const reply = await edge.post(`${RESERVATIONS}/nope/${action}`, body);
      expectProblem(reply, 404, 'reservation-not-found');
    }
  });

  it('shows itself with the events of its life', async () => {
    const { edge, path } = await withOrder({ reference: 'order-7' });
    await edge.post(`${path}/extend`, { ttlMs: 1_000 });
    const settled = await edge.post(`${path}/commit`, { lines: [line('A', 2)] });

    const reply = await edge.get(path);

    expect(reply.status).toBe(200);
    expectShape(storedReservationSchema, reply.body);
    expect(reply.body).toEqual({ ...settled.body.reservation, sequences: [4, 5, 6] });
    expect(reply.headers['cache-control']).toBe('no-cache');
    expect(settled.body.reservation.sequences).toBeUndefined();
  });

  it('shows itself as expired as soon as its time has come', async () => {
    const { edge, path } = await withOrder({ ttlMs: 10_000 });

    edge.advance(10_000);

    const { body } = await edge.get(path);
    expect(body).toMatchObject({ status: 'expired', lines: [{ held: 0, expired: 5 }, {}, {}] });
  });

  it('answers for its retention after it was closed, then it is 404', async () => {
    const { edge, path } = await withOrder();
    await edge.post(`${path}/release`);

    edge.advance(3_599_999);
    expect((await edge.get(path)).body.status).toBe('released');

    edge.advance(1);
    expectProblem(await edge.get(path), 404, 'reservation-not-found');
  });
});

describe('the reservations with one reference', () => {
  it('are found page by page, whatever became of them', async () => {
    const edge = await startEdge();
    await edge.stock('A', 100);
    const ids: string[] = [];
    for (const reference of ['r & 7', 'other', 'r & 7', 'r & 7']) {
      const { body } = await edge.post(`${recordPath('A')}/reserve`, { qty: 1, reference });
      if (reference !== 'other') ids.push(body.reservation.id);
    }
    await edge.post(`${RESERVATIONS}/${ids[1]}/release`);
    const query = `${RESERVATIONS}?reference=r%20%26+7&limit=2`;

    const first = await edge.get(query);
    const second = await edge.get(`${query}&cursor=${first.body.nextCursor}`);

    expectShape(reservationPageSchema, first.body);
    const found = [...first.body.items, ...second.body.items] as { id: string; status: string }[];
    expect(found.map(({ id }) => id)).toEqual(ids.sort());
    expect(found.map(({ status }) => status).sort()).toEqual(['active', 'active', 'released']);
    expect(second.body.nextCursor).toBeNull();
  });

  it('are a full page even where some before them are forgotten', async () => {
    const edge = await startEdge();
    await edge.stock('A', 100);
    const hold = { qty: 1, reference: 'order-7' };
    const old: string[] = [];
    for (let count = 0; count < 8; count += 1) {
      const { body } = await edge.post(`${recordPath('A')}/reserve`, hold);
      old.push(body.reservation.id);
    }
    const kept = await edge.post(`${recordPath('A')}/reserve`, hold);
    for (const id of old) await edge.post(`${RESERVATIONS}/${id}/release`);
    edge.advance(3_600_000);

    const { body } = await edge.get(`${RESERVATIONS}?reference=order-7&limit=1`);

    expect(body).toEqual({ items: [kept.body.reservation], nextCursor: null });
  });

  it('are none for a reference that nobody gave; without one the request is 400', async () => {
    const edge = await startEdge();

    expect((await edge.get(`${RESERVATIONS}?reference=none`)).body.items).toEqual([]);
    for (const query of ['', '?', '?reference=', '?reference=a%00b', '?limit=1']) {
      expectProblem(await edge.get(RESERVATIONS + query), 400, 'validation-failed');
    }
  });
});
