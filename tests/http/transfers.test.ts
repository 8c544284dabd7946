import { describe, expect, it } from 'vitest';
import { transferredSchema } from '../../src/http/schemas/response-schemas.js';
import { expectProblem, expectShape, recordPath, startEdge } from '../support/http-edge.js';

const TRANSFERS = '/api/transfers';
const stores = { from: 'STORE001', to: 'STORE002' };

describe('a transfer', () => {
  it('moves goods between two stores as one event, also to a new record', async () => {
    const edge = await startEdge();
    await edge.stock('A', 10);
    await edge.stock('B', 10);
    await edge.stock('B', 1, 'STORE002');

    const reply = await edge.post(TRANSFERS, {
      ...stores,
      lines: [
        { sku: 'A', qty: 4 },
        { sku: 'B', qty: 10 },
      ],
      reference: 'truck-3',
    });

    expect(reply.status).toBe(200);
    expectShape(transferredSchema, reply.body);
    const records = reply.body.records as { storeId: string; sku: string; onHand: number }[];
    const moved = records.map((each) => [each.storeId, each.sku, each.onHand]);
    expect(moved.sort()).toEqual([
      ['STORE001', 'A', 6],
      ['STORE001', 'B', 0],
      ['STORE002', 'A', 4],
      ['STORE002', 'B', 11],
    ]);
    expect(reply.headers['cache-control']).toBe('no-store');
    const history = await edge.get(`${recordPath('A', 'STORE002')}/events`);
    expect(history.body.items).toMatchObject([{ type: 'StockTransferred', reference: 'truck-3' }]);
  });

  it('does not take what is reserved', async () => {
    const edge = await startEdge();
    await edge.stock('A', 10);
    await edge.post(`${recordPath('A')}/reserve`, { qty: 7 });

    const reply = await edge.post(TRANSFERS, { ...stores, lines: [{ sku: 'A', qty: 4 }] });

    expectProblem(reply, 422, 'insufficient-stock');
    expect(reply.body.lines).toMatchObject([{ requested: 4, available: 3 }]);
  });

  it('is 404 from an unknown record, and 422 from a store to itself', async () => {
    const edge = await startEdge();
    await edge.stock('A', 10);
    const lines = [{ sku: 'A', qty: 4 }];

    const unknown = await edge.post(TRANSFERS, { ...stores, lines: [{ sku: 'NONE', qty: 4 }] });
    const itself = await edge.post(TRANSFERS, { from: 'STORE001', to: 'STORE001', lines });

    expectProblem(unknown, 404, 'stock-not-found');
    expectProblem(itself, 422, 'same-store');
  });

  it('is 422 where the destination would have more than can be counted exactly', async () => {
    const edge = await startEdge();
    await edge.stock('A', 10);
    await edge.stock('A', Number.MAX_SAFE_INTEGER, 'STORE002');

    const reply = await edge.post(TRANSFERS, { ...stores, lines: [{ sku: 'A', qty: 4 }] });

    expectProblem(reply, 422, 'quantity-overflow');
  });
});
