import { describe, expect, it } from 'vitest';
import { UnavailableError } from '../../src/domain/errors.js';
import { batchResultsSchema } from '../../src/http/schemas/response-schemas.js';
import {
  type Reply,
  expectProblem,
  expectShape,
  recordPath,
  startEdge,
} from '../support/http-edge.js';

const BATCH = '/api/inventory/batch';

function adjust(sku: string, delta: number, more: object = {}) {
  return { op: 'adjust', storeId: 'STORE001', sku, delta, ...more };
}
function reserve(sku: string, qty: number, more: object = {}) {
  return { op: 'reserve', storeId: 'STORE001', sku, qty, ...more };
}
function count(sku: string, onHand: number, more: object = {}) {
  return { op: 'count', storeId: 'STORE001', sku, onHand, ...more };
}

function resultsOf({ body }: Reply) {
  return body.results as readonly { readonly status: number; readonly sequence?: number }[];
}

describe('an atomic batch', () => {
  it('is one event, with one result per operation in their order', async () => {
    const edge = await startEdge();
    await edge.stock('A', 10);

    const reply = await edge.post(BATCH, {
      operations: [
        adjust('A', 5),
        reserve('A', 12, { reference: 'order-7', ttlMs: 1_000 }),
        count('NEW', 3),
        adjust('A', -1),
        count('A', 20),
      ],
    });

    expect(reply.status).toBe(200);
    expectShape(batchResultsSchema, reply.body);
    const record = { sku: 'A', onHand: 20, reserved: 12, version: 2 };
    expect(reply.body).toMatchObject({
      results: [
        { status: 200, record, sequence: 2 },
        {
          status: 201,
          record,
          reservation: { status: 'active', reference: 'order-7', lines: [{ qty: 12 }] },
          sequence: 2,
        },
        { status: 201, record: { sku: 'NEW', onHand: 3, version: 1 }, sequence: 2 },
        { status: 200, record, sequence: 2 },
        { status: 200, record, sequence: 2 },
      ],
      sequence: 2,
    });
    expect(reply.body.results[0].reservation).toBeUndefined();
    expect(reply.headers['cache-control']).toBe('no-store');
  });

  it('does nothing where one operation is refused, and says which', async () => {
    const edge = await startEdge();
    await edge.stock('A', 10);
    const operations = [adjust('A', 5), adjust('B', 1), reserve('A', 16)];

    const reply = await edge.post(BATCH, { atomic: true, operations });

    expectProblem(reply, 422, 'insufficient-stock');
    expect(reply.body).toMatchObject({
      operation: 2,
      lines: [{ sku: 'A', requested: 16, available: 15 }],
    });
    expect((await edge.get(recordPath('A'))).body.version).toBe(1);
    expectProblem(await edge.get(recordPath('B')), 404, 'stock-not-found');
  });

  it.each([
    [404, 'stock-not-found', adjust('NONE', -1)],
    [404, 'stock-not-found', reserve('NONE', 1)],
    [409, 'version-conflict', adjust('A', 1, { expectedVersion: 2 })],
    [409, 'version-conflict', reserve('A', 1, { expectedVersion: 2 })],
    [409, 'version-conflict', count('A', 1, { expectedVersion: 2 })],
    [422, 'below-reserved', count('A', 1)],
  ])('is %d %s where an operation is', async (status, code, operation) => {
    const edge = await startEdge();
    await edge.stock('A', 10);
    await edge.post(`${recordPath('A')}/reserve`, { qty: 2 });
    const expected = code === 'version-conflict' ? { expectedVersion: 9 } : {};

    const reply = await edge.post(BATCH, { operations: [{ ...operation, ...expected }] });

    expectProblem(reply, status, code);
    expect(reply.body.operation).toBe(0);
  });

  it('has one key, the header, and is replayed byte for byte', async () => {
    const edge = await startEdge();
    const body = { operations: [count('A', 3), reserve('A', 1), reserve('A', 1)] };
    const key = { 'Idempotency-Key': 'batch-1' };

    const first = await edge.post(BATCH, body, key);
    const again = await edge.post(BATCH, { atomic: true, ...body }, key);
    const withOwn = await edge.post(BATCH, {
      operations: [adjust('A', 1), adjust('A', 1, { idempotencyKey: 'own' })],
    });

    expect(again.text).toBe(first.text);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expectProblem(withOwn, 400, 'validation-failed');
    expect(withOwn.body.errors).toMatchObject([{ pointer: '/operations/1/idempotencyKey' }]);
    expect((await edge.get(recordPath('A'))).body).toMatchObject({ reserved: 2, version: 1 });
  });
});

describe('a batch that is not atomic', () => {
  it('executes each operation on its own, those of one record in order', async () => {
    const edge = await startEdge();
    const operations = [
      adjust('A', 5),
      reserve('A', 6),
      reserve('A', 4),
      adjust('NONE', -1),
      count('NEW', 3),
      count('NEW', 4, { expectedVersion: 1 }),
    ];

    const reply = await edge.post(BATCH, { atomic: false, operations });

    expect(reply.status).toBe(200);
    expectShape(batchResultsSchema, reply.body);
    expect(reply.body).toMatchObject({
      results: [
        { status: 200, record: { onHand: 5, version: 1 } },
        { status: 422, problem: { code: 'insufficient-stock', instance: BATCH } },
        { status: 201, record: { reserved: 4 }, reservation: { status: 'active' } },
        { status: 404, problem: { code: 'stock-not-found' } },
        { status: 201, record: { sku: 'NEW', version: 1 } },
        { status: 200, record: { sku: 'NEW', onHand: 4, version: 2 } },
      ],
      sequence: 4,
    });
    // In order per record; different records do not wait for each other.
    const [first, , second, , third, fourth] = resultsOf(reply);
    expect(first?.sequence).toBeLessThan(second?.sequence ?? 0);
    expect(third?.sequence).toBeLessThan(fourth?.sequence ?? 0);
    expect(reply.body.results[1].problem.requestId).toBe(reply.headers['x-request-id']);
  });

  it('has no sequence where nothing was recorded', async () => {
    const edge = await startEdge();

    const reply = await edge.post(BATCH, { atomic: false, operations: [reserve('NONE', 1)] });

    expectShape(batchResultsSchema, reply.body);
    expect(Object.keys(reply.body)).toEqual(['results']);
  });

  it('replays the operations whose own keys came before, refusals too', async () => {
    const edge = await startEdge();
    const operations = [
      adjust('A', 5, { idempotencyKey: 'a' }),
      reserve('A', 9, { idempotencyKey: 'b' }),
      adjust('A', 1),
    ];

    const first = await edge.post(BATCH, { atomic: false, operations });
    const again = await edge.post(BATCH, {
      atomic: false,
      operations: [operations[0], operations[1], adjust('A', 2, { idempotencyKey: 'a' })],
    });

    expect(resultsOf(again).slice(0, 2)).toEqual(resultsOf(first).slice(0, 2));
    expect(again.body.results[1].status).toBe(422);
    expect(again.body.results[2]).toMatchObject({
      status: 422,
      problem: { code: 'idempotency-key-reused' },
    });
    expect((await edge.get(recordPath('A'))).body).toMatchObject({ onHand: 6, version: 2 });
  });

  it('is another request than a batch of its one operation, under the same key', async () => {
    const edge = await startEdge();
    await edge.stock('A', 9);
    const each = { atomic: false, operations: [reserve('A', 1, { idempotencyKey: 'k' })] };
    const all = { operations: [reserve('A', 1)] };
    expect((await edge.post(BATCH, each)).body.results[0].status).toBe(201);

    expectProblem(
      await edge.post(BATCH, all, { 'Idempotency-Key': 'k' }),
      422,
      'idempotency-key-reused',
    );
    expect((await edge.post(BATCH, all, { 'Idempotency-Key': 'other' })).status).toBe(200);
    each.operations[0] = reserve('A', 1, { idempotencyKey: 'other' });
    expect((await edge.post(BATCH, each)).body.results[0]).toMatchObject({
      problem: { code: 'idempotency-key-reused' },
    });
    expect(edge.internalErrors).toEqual([]);
  });

  it('takes no key in the header', async () => {
    const edge = await startEdge();

    const reply = await edge.post(
      BATCH,
      { atomic: false, operations: [adjust('A', 1)] },
      { 'Idempotency-Key': 'batch-1' },
    );

    expectProblem(reply, 400, 'validation-failed');
    expectProblem(await edge.get(recordPath('A')), 404, 'stock-not-found');
  });

  it('goes on where one operation cannot be executed now', async () => {
    let calls = 0;
    const edge = await startEdge({
      around: (real) => ({
        ...real,
        execute(command, request) {
          calls += 1;
          if (calls === 2) throw new UnavailableError('overloaded', 1_000);
          if (calls === 3) throw new Error('a defect, at /srv/inventory');
          return real.execute(command, request);
        },
      }),
    });
    const operations = [adjust('A', 1), adjust('A', 1), adjust('A', 1), adjust('A', 1)];

    const reply = await edge.post(BATCH, { atomic: false, operations });

    expect(resultsOf(reply).map(({ status }) => status)).toEqual([200, 503, 500, 200]);
    expect(reply.text).not.toContain('/srv');
    expect(edge.internalErrors).toMatchObject([{ message: 'a defect, at /srv/inventory' }]);
  });

  it('of ten thousand operations lets others in between', async () => {
    const edge = await startEdge();
    const operations = Array.from({ length: 10_000 }, (_, index) => adjust(`SKU${index}`, 1));
    const { repository } = edge;
    let between = 0;

    const batch = edge.post(BATCH, { atomic: false, operations });
    while (repository.durableSequence() < 10_000) {
      await edge.get('/api/health');
      if (repository.durableSequence() % 10_000 > 0) between += 1;
    }

    expect(resultsOf(await batch)).toHaveLength(10_000);
    expect(between).toBeGreaterThan(0);
  });
});

describe('a batch of either kind', () => {
  it('is refused before anything is executed where an operation is not one', async () => {
    const edge = await startEdge();
    const one = adjust('A', 1);
    const bodies = [
      {},
      { operations: [] },
      { operations: {} },
      { operations: [one], atomic: 'yes' },
      { operations: [one], more: 1 },
      { operations: [one, { ...one, op: 'sell' }] },
      { operations: [one, { ...one, op: undefined }] },
      { operations: [one, { ...one, delta: 0 }] },
      { operations: [one, { ...one, qty: 1 }] },
      { operations: [one, { ...one, idempotencyKey: '' }], atomic: false },
      { operations: [one, { ...one, idempotencyKey: 'x'.repeat(256) }], atomic: false },
      { operations: [one, null] },
      { operations: Array.from({ length: 10_001 }, () => one) },
    ];

    for (const body of bodies) {
      const reply = await edge.post(BATCH, body);
      expectProblem(reply, 400, 'validation-failed');
      expect(reply.body.errors).not.toEqual([]);
    }
    expect(edge.repository.durableSequence()).toBe(0);
  });
});
