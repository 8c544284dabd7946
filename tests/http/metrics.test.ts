import { describe, expect, it } from 'vitest';
import { healthMetricsSchema, metricsSchema } from '../../src/http/schemas/metrics-schemas.js';
import {
  type Edge,
  expectProblem,
  expectShape,
  recordPath,
  startEdge,
} from '../support/http-edge.js';
import { exchange, request } from './raw-exchange.js';

const RECORD = '/api/inventory/stores/:storeId/inventory/:sku';

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

async function samplesOf(edge: Edge, name: string): Promise<readonly Sample[]> {
  const { status, body } = await edge.get('/api/metrics');
  expect(status).toBe(200);
  expectShape(metricsSchema, body);
  return body.metrics[name].samples as Sample[];
}

/** There before the first one: else that would be no increase. */
const NO_DEFECTS = { labels: { code: 'internal' }, value: 0 };

describe('the metrics', () => {
  it('count requests by method, route pattern and status, and never name a record', async () => {
    const edge = await startEdge();
    await edge.stock('SECRET-SKU', 5);

    await edge.get(recordPath('SECRET-SKU'));
    await edge.get(recordPath('SECRET-SKU'));
    await edge.call('HEAD', recordPath('SECRET-SKU'));
    await edge.get(recordPath('UNKNOWN-SKU'));
    await edge.post(`${recordPath('SECRET-SKU')}/reserve`, { qty: 1 });
    await edge.get('/no/such/SECRET-SKU');

    await expect
      .poll(() => samplesOf(edge, 'inventory_http_requests_total'))
      .toEqual(
        expect.arrayContaining([
          counted('GET', RECORD, 200, 2),
          counted('HEAD', RECORD, 200, 1),
          counted('GET', RECORD, 404, 1),
          counted('POST', `${RECORD}/reserve`, 201, 1),
          counted('GET', 'unmatched', 404, 1),
        ]),
      );
    const { text } = await edge.get('/metrics');
    expect(text).toMatch(/_bucket\{method="GET",route="[^"]+:sku",le="10"\} 3\n/);
    expect(text).not.toContain('SKU');
  });

  it('count refusals by code, conflicts among them, and replays', async () => {
    const edge = await startEdge();
    await edge.stock('A', 5);
    const reserve = `${recordPath('A')}/reserve`;
    const keyed = { 'Idempotency-Key': 'k1' };

    await edge.post(reserve, { qty: 9 }, keyed);
    await edge.post(reserve, { qty: 9 }, keyed);
    await edge.post(reserve, { qty: 1, expectedVersion: 7 });
    await edge.post(reserve, { qty: 1 }, { 'If-Match': '"7"' });
    await edge.post(reserve, { qty: 0 });

    expect(await samplesOf(edge, 'inventory_refusals_total')).toEqual([
      NO_DEFECTS,
      { labels: { code: 'insufficient-stock' }, value: 2 },
      { labels: { code: 'version-conflict' }, value: 1 },
      { labels: { code: 'precondition-failed' }, value: 1 },
      { labels: { code: 'validation-failed' }, value: 1 },
    ]);
    expect(await samplesOf(edge, 'inventory_conflicts_total')).toEqual([{ labels: {}, value: 2 }]);
    expect(await samplesOf(edge, 'inventory_idempotent_replays_total')).toEqual([
      { labels: {}, value: 1 },
    ]);
  });

  it('count the operations of a batch, each on its own', async () => {
    const edge = await startEdge();
    const batch = {
      atomic: false,
      operations: [
        { op: 'adjust', storeId: 'S', sku: 'A', delta: 1, idempotencyKey: 'a' },
        { op: 'reserve', storeId: 'S', sku: 'A', qty: 9, idempotencyKey: 'b' },
        { op: 'adjust', storeId: 'S', sku: 'B', delta: -1 },
      ],
    };

    await edge.post('/api/inventory/batch', batch);
    await edge.post('/api/inventory/batch', batch);

    expect(await samplesOf(edge, 'inventory_refusals_total')).toEqual([
      NO_DEFECTS,
      { labels: { code: 'insufficient-stock' }, value: 2 },
      { labels: { code: 'stock-not-found' }, value: 2 },
    ]);
    expect(await samplesOf(edge, 'inventory_idempotent_replays_total')).toEqual([
      { labels: {}, value: 2 },
    ]);
  });

  it('count connections that were closed for what was sent on them', async () => {
    const edge = await startEdge();

    await exchange(edge.port, 'SSH-2.0-client\r\n\r\n');
    await exchange(edge.port, 'SSH-2.0-client\r\n\r\n');
    await exchange(edge.port, request('GET /', { 'X-Long': 'x'.repeat(20_000) }));

    expect(await samplesOf(edge, 'inventory_connection_refusals_total')).toEqual([
      { labels: { status: '400' }, value: 2 },
      { labels: { status: '431' }, value: 1 },
    ]);
  });

  it('count from zero after a reset', async () => {
    const edge = await startEdge();
    await edge.get(recordPath('A'));
    edge.advance(60_000);

    const { status, body } = await edge.post('/api/metrics/reset');

    expect(status).toBe(200);
    expectShape(metricsSchema, body);
    expect(body.since).toBe('2025-11-03T09:31:00.000Z');
    expect(await samplesOf(edge, 'inventory_refusals_total')).toEqual([
      NO_DEFECTS,
      { labels: { code: 'stock-not-found' }, value: 0 },
    ]);
    expectProblem(await edge.post('/api/metrics/reset', { hard: true }), 400, 'validation-failed');
    expectProblem(await edge.get('/api/metrics/reset'), 405, 'method-not-allowed');
  });

  it('cannot be reset in production', async () => {
    const edge = await startEdge({ mayResetMetrics: false });

    expectProblem(await edge.post('/api/metrics/reset'), 404, 'not-found');
  });

  it('come with everything else at once', async () => {
    const edge = await startEdge();

    const { status, body } = await edge.get('/api/health/metrics');

    expect(status).toBe(200);
    expectShape(healthMetricsSchema, body);
    expect(body).toMatchObject({
      status: 'ok',
      version: '1.2.3',
      readiness: { ready: true, degraded: [], checks: { queue: { reads: 0, max: 1_000 } } },
      circuitBreakers: { 'sync own': { state: 'closed' } },
      bulkheads: { sync: { slots: 4 } },
    });
    expect(body.metrics).toHaveProperty('inventory_http_requests_total');
  });

  it('are answered while the server drains', async () => {
    const edge = await startEdge();
    edge.drain();

    for (const path of ['/metrics', '/api/metrics', '/api/health/metrics']) {
      expect((await edge.get(path)).status, path).toBe(200);
    }
    expectProblem(await edge.get('/metricsandmore'), 503, 'shutting-down');
  });

  it('take no query', async () => {
    const edge = await startEdge();

    for (const path of ['/metrics', '/api/metrics', '/api/health/metrics']) {
      expectProblem(await edge.get(`${path}?a=1`), 400, 'validation-failed');
    }
  });
});

function counted(method: string, route: string, status: number, value: number): Sample {
  return { labels: { method, route, status: String(status) }, value };
}
