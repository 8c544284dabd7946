import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { httpLimits } from '../../src/http/server/http-server.js';
import { expectProblem, recordPath, startEdge } from '../support/http-edge.js';

const STATUS = '/api/sync/status';

describe('GET /api/inventory/skus/:sku', () => {
  it('shows what all stores have, as of the last run', async () => {
    const edge = await startEdge();
    await edge.stock('LAMP', 10);
    await edge.stock('LAMP', 5, 'STORE002');
    await edge.post(`${recordPath('LAMP')}/reserve`, { qty: 4 });
    await edge.post('/api/sync');
    await edge.stock('LAMP', 7, 'STORE003');
    edge.advance(2_000);

    const { status, body, headers } = await edge.get('/api/inventory/skus/LAMP');

    expect(status).toBe(200);
    expect(headers['cache-control']).toBe('no-cache');
    expect(body).toMatchObject({
      sku: 'LAMP',
      total: { qty: 11, reserved: 4, onHand: 15 },
      stores: [
        { source: 'local', storeId: 'STORE001', qty: 6, reserved: 4, onHand: 10 },
        { source: 'local', storeId: 'STORE002', qty: 5, reserved: 0, onHand: 5 },
      ],
      asOf: { sequence: 3, sources: [{ name: 'local', sequence: 3, ageMs: 2_000 }] },
      lag: 1,
    });
  });

  it('has no stores for an SKU that nobody has, and says how old that is', async () => {
    const edge = await startEdge();

    const before = await edge.get('/api/inventory/skus/LAMP');
    await edge.post('/api/sync');
    const after = await edge.get('/api/inventory/skus/LAMP');

    expect(before.body).toMatchObject({ stores: [], asOf: { sequence: 0, at: null } });
    expect(after.body.asOf.at).toBe('2025-11-03T09:30:00.000Z');
    expect(after.body.total).toEqual({ qty: 0, reserved: 0, onHand: 0 });
  });

  it('waits for the fold of what was written', async () => {
    const edge = await startEdge();
    await edge.post('/api/sync/start');
    const { body } = await edge.post(`${recordPath('LAMP')}/adjust`, { delta: 3 });

    const query = `?minSequence=${body.sequence}&waitMs=20000`;
    const found = await edge.get(`/api/inventory/skus/LAMP${query}`);

    expect(found.body).toMatchObject({ total: { onHand: 3 }, asOf: { sequence: 1 } });
    await edge.post('/api/sync/stop');
  });

  it('waits for the fold of one source', async () => {
    const edge = await startEdge();
    await edge.stock('LAMP', 3);
    const at = '/api/inventory/skus/LAMP?minSequence=1&source';

    expectProblem(await edge.get(`${at}=local`), 503, 'aggregate-behind');
    expectProblem(await edge.get(`${at}=nobody`), 400, 'validation-failed');
    await edge.post('/api/sync');
    expect((await edge.get(`${at}=local`)).body).toMatchObject({ total: { onHand: 3 } });
  });

  it('is 503 with Retry-After where the fold does not come in time', async () => {
    const edge = await startEdge();

    const at = '/api/inventory/skus/LAMP?minSequence=1';
    for (const reply of [await edge.get(at), await edge.get(`${at}&waitMs=50`)]) {
      expectProblem(reply, 503, 'aggregate-behind');
      expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0);
    }
  });

  it.each([
    ['?minSequence=-1'],
    ['?minSequence=1.5'],
    ['?minSequence=9007199254740993'],
    ['?waitMs=30001'],
    ['?waitMs='],
    ['?waitMs=1&waitMs=1'],
    ['?after=1'],
  ])('refuses %s', async (query) => {
    const edge = await startEdge();

    expectProblem(await edge.get(`/api/inventory/skus/LAMP${query}`), 400, 'validation-failed');
  });

  it('refuses what is no SKU', async () => {
    const edge = await startEdge();

    expectProblem(await edge.get('/api/inventory/skus/__proto__'), 400, 'validation-failed');
    expectProblem(await edge.post('/api/inventory/skus/LAMP'), 405, 'method-not-allowed');
  });
});

describe('the sync worker over HTTP', () => {
  it('runs as long as it takes, and is answered then', async () => {
    const edge = await startEdge({
      limits: { ...httpLimits, stallTimeoutMs: 50 },
      aroundSource: (source) => ({
        ...source,
        async read(...asked) {
          await pause(300);
          return await source.read(...asked);
        },
      }),
    });
    await edge.stock('LAMP', 10);

    expect((await edge.post('/api/sync')).body).toMatchObject({ applied: 1 });
  });

  it('runs when asked, and says what it did', async () => {
    const edge = await startEdge();
    await edge.stock('LAMP', 10);

    const first = await edge.post('/api/sync');
    const second = await edge.post('/api/sync', {});

    expect(first.body).toMatchObject({ applied: 1, deadLettered: 0, checkpoint: 1 });
    expect(second.body).toMatchObject({ applied: 0, deadLettered: 0, checkpoint: 1 });
    expect(first.headers['cache-control']).toBe('no-store');
    expect((await edge.get(STATUS)).body).toMatchObject({ checkpoint: 1, lag: 0, lastError: null });
  });

  it('joins runs that are asked for at the same time', async () => {
    const edge = await startEdge();
    for (let index = 0; index < 50; index += 1) await edge.stock(`SKU${index}`, 1);

    const runs = await Promise.all(Array.from({ length: 8 }, () => edge.post('/api/sync')));

    for (const { body } of runs) expect(body.checkpoint).toBe(50);
    const { body } = await edge.get('/api/inventory/skus/SKU7');
    expect(body.total.onHand).toBe(1);
  });

  it('starts, changes its interval and stops, however often it is told', async () => {
    const edge = await startEdge();
    const states = [];
    for (const [path, body] of [
      ['/api/sync/start', { intervalMs: 60_000 }],
      ['/api/sync/start', undefined],
      ['/api/sync/start', { intervalMs: 100 }],
      ['/api/sync/stop', undefined],
      ['/api/sync/stop', {}],
    ] as const) {
      const reply = await edge.post(path, body);
      expect(reply.status).toBe(200);
      states.push([reply.body.running, reply.body.intervalMs]);
    }

    expect(states).toEqual([
      [true, 60_000],
      [true, 60_000],
      [true, 100],
      [false, 100],
      [false, 100],
    ]);
  });

  it.each([
    [{ intervalMs: 99 }],
    [{ intervalMs: 86_400_001 }],
    [{ intervalMs: '1000' }],
    [{ x: 1 }],
  ])('is not started with %j', async (body) => {
    const edge = await startEdge();

    expectProblem(await edge.post('/api/sync/start', body), 400, 'validation-failed');
    expect((await edge.get(STATUS)).body.running).toBe(false);
  });

  it.each(['/api/sync', '/api/sync/stop', '/api/sync/dead-letters/local-1/retry'])(
    'is told nothing at %s',
    async (path) => {
      const edge = await startEdge();

      expectProblem(await edge.post(path, { now: true }), 400, 'validation-failed');
      expectProblem(await edge.post(`${path}?now=true`), 400, 'validation-failed');
      expectProblem(await edge.get(path), 405, 'method-not-allowed');
    },
  );
});

describe('dead letters over HTTP', () => {
  const LETTERS = '/api/sync/dead-letters';

  it('are none where everything could be folded', async () => {
    const edge = await startEdge();

    const { status, body } = await edge.get(LETTERS);

    expect({ status, body }).toEqual({ status: 200, body: { items: [], nextCursor: null } });
  });

  it('are 404 where they are not known, 400 where that is no id', async () => {
    const edge = await startEdge();

    expectProblem(await edge.post(`${LETTERS}/local-1/retry`), 404, 'dead-letter-not-found');
    const unknown = await edge.call('DELETE', `${LETTERS}/local-1?reason=lost`);
    expectProblem(unknown, 404, 'dead-letter-not-found');
    expectProblem(await edge.post(`${LETTERS}/local/retry`), 400, 'validation-failed');
    expectProblem(await edge.get(`${LETTERS}?cursor=abc`), 400, 'validation-failed');
  });

  it('are given up with a reason only', async () => {
    const edge = await startEdge();

    for (const query of ['', '?reason=', '?reason=a&reason=b', `?reason=${'x'.repeat(257)}`]) {
      const reply = await edge.call('DELETE', `${LETTERS}/local-1${query}`);
      expectProblem(reply, 400, 'validation-failed');
    }
    expectProblem(await edge.get(`${LETTERS}/local-1`), 405, 'method-not-allowed');
  });
});
