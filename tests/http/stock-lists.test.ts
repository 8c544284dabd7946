import { describe, expect, it } from 'vitest';
import {
  eventPageSchema,
  reservationPageSchema,
  stockPageSchema,
} from '../../src/http/schemas/response-schemas.js';
import {
  type Edge,
  expectProblem,
  expectShape,
  recordPath,
  startEdge,
} from '../support/http-edge.js';

const STORE = '/api/inventory/stores/STORE001/inventory';

/** Follows the cursors to the end; the items of every page. */
async function pagesOf(edge: Edge, path: string): Promise<unknown[][]> {
  const pages: unknown[][] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const separator = path.includes('?') ? '&' : '?';
    const next: string = cursor === '' ? '' : `${separator}cursor=${cursor}`;
    const { body } = await edge.get(path + next);
    pages.push(body.items);
    cursor = body.nextCursor;
  }
  return pages;
}

describe('the list of what a store has', () => {
  it('comes in the order of the SKUs, page by page', async () => {
    const edge = await startEdge();
    for (const sku of ['B', 'C', 'A', 'a', 'Z Z']) await edge.stock(sku, 1);
    await edge.stock('ELSEWHERE', 1, 'STORE002');

    const pages = await pagesOf(edge, `${STORE}?limit=2`);

    const skus = pages.map((page) => page.map((item) => (item as { sku: string }).sku));
    expect(skus).toEqual([['A', 'B'], ['C', 'Z Z'], ['a']]);
  });

  it('ends where a page is exactly full', async () => {
    const edge = await startEdge();
    for (const sku of ['A', 'B']) await edge.stock(sku, 1);

    const reply = await edge.get(`${STORE}?limit=2`);

    expectShape(stockPageSchema, reply.body);
    expect(reply.body).toMatchObject({ items: [{ sku: 'A' }, { sku: 'B' }], nextCursor: null });
    expect(reply.headers['cache-control']).toBe('no-cache');
    expect(reply.headers.etag).toBeUndefined();
  });

  it('has a hundred items where nobody says how many', async () => {
    const edge = await startEdge();
    for (let index = 0; index < 101; index += 1) await edge.stock(`SKU${index}`, 1);

    const first = await edge.get(STORE);

    expect(first.body.items).toHaveLength(100);
    expect(first.body.nextCursor).not.toBeNull();
  });

  it('is empty for a store that nobody knows', async () => {
    const edge = await startEdge();

    const reply = await edge.get('/api/inventory/stores/NOWHERE/inventory');

    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({ items: [], nextCursor: null });
  });
});

describe('the history of one record', () => {
  it('tells the newest first, with reasons and references', async () => {
    const edge = await startEdge();
    await edge.post(`${recordPath('A')}/adjust`, {
      delta: 9,
      reason: 'delivery',
      reference: 'note-1',
    });
    await edge.post(`${recordPath('B')}/adjust`, { delta: 1 });
    const held = await edge.post(`${recordPath('A')}/reserve`, { qty: 2, reference: 'order-7' });
    await edge.post(`/api/reservations/${held.body.reservation.id}/commit`);

    const { body } = await edge.get(`${recordPath('A')}/events`);

    expectShape(eventPageSchema, body);
    const name = { storeId: 'STORE001', sku: 'A' };
    const at = '2025-11-03T09:30:00.000Z';
    const reservationId = held.body.reservation.id;
    expect(body).toEqual({
      items: [
        {
          sequence: 4,
          type: 'StockCommitted',
          at,
          lines: [{ ...name, version: 3, onHandDelta: -2, reservedDelta: -2 }],
          reservationId,
        },
        {
          sequence: 3,
          type: 'StockReserved',
          at,
          lines: [{ ...name, version: 2, onHandDelta: 0, reservedDelta: 2 }],
          reservationId,
          reference: 'order-7',
        },
        {
          sequence: 1,
          type: 'StockAdjusted',
          at,
          lines: [{ ...name, version: 1, onHandDelta: 9, reservedDelta: 0 }],
          reason: 'delivery',
          reference: 'note-1',
        },
      ],
      nextCursor: null,
    });
  });

  it('comes page by page', async () => {
    const edge = await startEdge();
    for (let delta = 1; delta <= 5; delta += 1) {
      await edge.post(`${recordPath('A')}/adjust`, { delta });
    }

    const pages = await pagesOf(edge, `${recordPath('A')}/events?limit=2`);

    const sequences = pages.map((page) => page.map((item) => (item as { sequence: 1 }).sequence));
    expect(sequences).toEqual([[5, 4], [3, 2], [1]]);
  });

  it('tells of a batch what was noted about this very record', async () => {
    const edge = await startEdge();
    const operation = { op: 'adjust', storeId: 'STORE001', delta: 1 };
    await edge.post('/api/inventory/batch', {
      operations: [
        { ...operation, sku: 'A', reason: 'for A' },
        { ...operation, sku: 'B', reason: 'for B', reference: 'note-2' },
        { ...operation, sku: 'C' },
      ],
    });

    const histories = await Promise.all(
      ['A', 'B', 'C'].map((sku) => edge.get(`${recordPath(sku)}/events`)),
    );

    const [ofA, ofB, ofC] = histories.map(({ body }) => body.items[0] as object);
    expect(ofA).toMatchObject({ reason: 'for A' });
    expect(ofA).not.toHaveProperty('reference');
    expect(ofB).toMatchObject({ reason: 'for B', reference: 'note-2' });
    expect(ofC).not.toHaveProperty('reason');
  });

  it('ends a page early where single events are large', async () => {
    const edge = await startEdge();
    const operations = Array.from({ length: 6_000 }, (_, index) => ({
      op: 'adjust',
      storeId: 'S',
      sku: `SKU${index}`,
      delta: 1,
    }));
    for (let batch = 0; batch < 3; batch += 1) {
      await edge.post('/api/inventory/batch', { operations });
    }

    const pages = await pagesOf(edge, '/api/inventory/stores/S/inventory/SKU7/events');

    expect(pages.map((page) => page.length)).toEqual([2, 1]);
  });

  it('is empty for an unknown record', async () => {
    const edge = await startEdge();

    const reply = await edge.get(`${recordPath('A')}/events`);

    expect(reply.body).toEqual({ items: [], nextCursor: null });
  });
});

describe('the active holds of one record', () => {
  it('come in the order in which they end, those without an end last', async () => {
    const edge = await startEdge();
    await edge.stock('A', 100);
    for (const hold of [{}, { ttlMs: 5_000 }, { ttlMs: 1_000 }, { ttlMs: 3_000 }, {}]) {
      await edge.post(`${recordPath('A')}/reserve`, { qty: 1, ...hold });
    }

    const pages = await pagesOf(edge, `${recordPath('A')}/reservations?limit=2`);

    const ends = pages.map((page) =>
      page.map((item) => (item as { expiresAt: string | null }).expiresAt?.slice(17, 19)),
    );
    expect(ends).toEqual([['01', '03'], ['05', undefined], [undefined]]);
  });

  it('leave out what has ended', async () => {
    const edge = await startEdge();
    await edge.stock('A', 100);
    const first = await edge.post(`${recordPath('A')}/reserve`, { qty: 1 });
    const second = await edge.post(`${recordPath('A')}/reserve`, { qty: 1 });
    await edge.post(`${recordPath('A')}/reserve`, { qty: 1, ttlMs: 1_000 });
    await edge.post(`/api/reservations/${first.body.reservation.id}/release`);

    edge.advance(1_000);

    const { body } = await edge.get(`${recordPath('A')}/reservations`);
    expectShape(reservationPageSchema, body);
    expect(body.items).toEqual([second.body.reservation]);
  });

  it('end a page early where single reservations are large', async () => {
    const edge = await startEdge();
    const lines = Array.from({ length: 1_000 }, (_, index) => ({
      storeId: 'STORE001',
      sku: `SKU${index}`,
      qty: 1,
    }));
    for (const { sku } of lines) await edge.stock(sku, 100);
    for (let order = 0; order < 12; order += 1) await edge.post('/api/reservations', { lines });

    const pages = await pagesOf(edge, `${recordPath('SKU0')}/reservations`);

    expect(pages.map((page) => page.length)).toEqual([10, 2]);
  });
});

describe('a cursor', () => {
  it('works for its own list only', async () => {
    const edge = await startEdge();
    for (const sku of ['A', 'B', 'C']) await edge.stock(sku, 9);
    await edge.post(`${recordPath('A')}/adjust`, { delta: 1 });
    for (const qty of [1, 1]) {
      await edge.post(`${recordPath('A')}/reserve`, { qty, reference: 'order-7' });
    }
    const lists = [
      STORE,
      '/api/inventory/stores/STORE002/inventory',
      `${recordPath('A')}/events`,
      `${recordPath('B')}/events`,
      `${recordPath('A')}/reservations`,
      `${recordPath('B')}/reservations`,
      '/api/reservations?reference=order-7',
      '/api/reservations?reference=order-8',
    ];
    const withLimit = (path: string): string => `${path}${path.includes('?') ? '&' : '?'}limit=1`;

    for (const own of [0, 2, 4, 6]) {
      const { nextCursor } = (await edge.get(withLimit(lists[own]!))).body;
      expect(nextCursor, lists[own]).toEqual(expect.any(String));
      for (const [index, path] of lists.entries()) {
        const reply = await edge.get(`${withLimit(path)}&cursor=${nextCursor}`);
        if (index === own) expect(reply.status).toBe(200);
        else expectProblem(reply, 400, 'validation-failed');
      }
    }
  });

  it('that nobody gave out is refused', async () => {
    const edge = await startEdge();
    await edge.stock('A', 9);
    const encode = (value: unknown): string =>
      Buffer.from(JSON.stringify(value)).toString('base64url');
    const scope = { list: 'records', of: 'STORE001' };
    const history = { list: 'history', of: 'STORE001/A' };
    const forged: readonly (readonly [string, string])[] = [
      [STORE, 'x'],
      [STORE, ''],
      [STORE, '%00'],
      [STORE, encode(null)],
      [STORE, encode({ ...scope, after: 7 })],
      [STORE, encode({ ...scope, after: '../etc' })],
      [STORE, encode({ ...scope, after: 'A', more: 1 })],
      [STORE, `${encode({ ...scope, after: 'A' })}=`],
      [STORE, Buffer.from(JSON.stringify({ ...scope, after: 'A' }, null, 1)).toString('base64url')],
      [`${recordPath('A')}/events`, encode({ ...history, after: 0 })],
      [`${recordPath('A')}/events`, encode({ ...history, after: 99 })],
      [`${recordPath('A')}/events`, encode({ ...history, after: 1.5 })],
    ];

    for (const [path, cursor] of forged) {
      expectProblem(await edge.get(`${path}?cursor=${cursor}`), 400, 'validation-failed');
    }
  });
});
