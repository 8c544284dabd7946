import { afterEach, describe, expect, it } from 'vitest';
import { createHttpConnection } from '../support/http-connection.js';
import { cleanUp, temporaryDirectory } from '../support/spawned-server.js';
import { createStockClient } from '../support/stock-client.js';
import { spawnWorkers } from '../support/worker-servers.js';

const WORKERS = 3;
const CONNECTIONS = 12;
const RECORD = '/api/inventory/stores/:storeId/inventory/:sku';

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

describe('workers, whichever of them is asked,', () => {
  afterEach(cleanUp);

  it('count together what clients have counted', { timeout: 60_000 }, async () => {
    const server = await spawnWorkers(WORKERS, { dataDir: temporaryDirectory() });
    const ofAll = Array.from({ length: CONNECTIONS }, () => createHttpConnection(server.url));
    const sent = { adjust: 0, read: 0 };
    await Promise.all(
      ofAll.map(async ({ send }, client) => {
        const path = `/api/inventory/stores/S1/inventory/SKU${client}`;
        for (let turn = 0; turn < 20; turn += 1) {
          expect((await send('POST', `${path}/adjust`, { delta: 1 }))?.status).toBe(200);
          expect((await send('GET', path))?.status).toBe(200);
          sent.adjust += 1;
          sent.read += 1;
        }
      }),
    );

    async function metricsBy(send: (typeof ofAll)[number]['send'], what = 'GET /api/metrics') {
      const [method = '', path = ''] = what.split(' ');
      const answer = await send(method, path);
      expect(answer?.status).toBe(200);
      const { metrics } = JSON.parse(answer!.text);
      return (name: string) => metrics[name].samples as Sample[];
    }

    const counted = (samples: readonly Sample[], method: string, route: string) =>
      samples.find(({ labels }) => labels['method'] === method && labels['route'] === route)?.value;
    for (const { send } of ofAll.slice(0, 2 * WORKERS)) {
      // An answer is there a little earlier than it is counted.
      await expect
        .poll(async () => {
          const samplesOf = (await metricsBy(send))('inventory_http_requests_total');
          return [
            counted(samplesOf, 'POST', `${RECORD}/adjust`),
            counted(samplesOf, 'GET', RECORD),
          ];
        })
        .toEqual([sent.adjust, sent.read]);
    }
    const metrics = await metricsBy(ofAll[0]!.send);
    expect(metrics('inventory_events_total')).toMatchObject([{ value: sent.adjust }]);
    expect(metrics('inventory_records')).toEqual([{ labels: {}, value: CONNECTIONS }]);
    expect(metrics('inventory_workers')).toEqual([{ labels: {}, value: WORKERS }]);
    const places = metrics('process_resident_memory_bytes').map(({ labels }) => labels['worker']);
    expect(places.sort()).toEqual(['1', '2', '3', 'primary']);

    await metricsBy(ofAll[0]!.send, 'POST /api/metrics/reset');
    for (const { send } of ofAll) {
      const afterReset = await metricsBy(send);
      expect(afterReset('inventory_events_total')).toMatchObject([{ value: 0 }]);
    }
    for (const connection of ofAll) connection.close();
  });

  it('forget nothing that one counted that has ended', { timeout: 60_000 }, async () => {
    const server = await spawnWorkers(2, { dataDir: temporaryDirectory() });
    const client = createStockClient(server.url);
    for (let turn = 0; turn < 10; turn += 1) await client.adjust('S1', 'A', 1);
    const events = async () => {
      const answer = await client.send('GET', '/api/metrics');
      const { metrics } = answer!.body as { metrics: Record<string, { samples: Sample[] }> };
      return metrics['inventory_events_total']!.samples.reduce((sum, { value }) => sum + value, 0);
    };
    expect(await events()).toBe(10);

    for (const pid of await server.serving(2)) {
      process.kill(pid, 'SIGKILL');
      await server.serving(2, pid);
    }

    expect(await events()).toBe(10);
  });

  it('give every token of a client once', { timeout: 60_000 }, async () => {
    const burst = 200;
    const environment = { RATE_LIMIT_RPS: '1', RATE_LIMIT_BURST: String(burst) };
    const server = await spawnWorkers(WORKERS, { dataDir: temporaryDirectory(), environment });
    const startedAt = performance.now();
    let served = 0;
    let refused = 0;
    await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => {
        for (;;) {
          // Each a connection of its own, now with this worker and now with that.
          const response = await fetch(`${server.url}/api/inventory/stores/S1/inventory`, {
            headers: { connection: 'close' },
          });
          await response.text();
          if (response.status === 429) {
            refused += 1;
            return;
          }
          expect(response.status).toBe(200);
          served += 1;
        }
      }),
    );
    const seconds = (performance.now() - startedAt) / 1_000;

    expect(refused).toBe(CONNECTIONS);
    expect(served).toBeGreaterThanOrEqual(burst);
    expect(served).toBeLessThanOrEqual(burst + seconds);
  });

  it('do not take each other for one client', { timeout: 60_000 }, async () => {
    const environment = { RATE_LIMIT_RPS: '1', RATE_LIMIT_BURST: '40' };
    const server = await spawnWorkers(WORKERS, { dataDir: temporaryDirectory(), environment });
    const answers = await Promise.all(
      Array.from({ length: 30 }, () =>
        fetch(`${server.url}/api/sync/status`, { headers: { connection: 'close' } }),
      ),
    );
    await Promise.all(answers.map((answer) => answer.text()));
    // Two of three are handed over to the worker that keeps the central view; 503: nobody did yet.
    for (const answer of answers) {
      expect([200, 503]).toContain(answer.status);
      expect(answer.headers.get('ratelimit')).toMatch(/^"default";r=\d+;t=\d+$/);
    }
    const { send } = createStockClient(server.url);
    await expect
      .poll(async () => {
        const { metrics } = (await send('GET', '/api/metrics'))?.body as {
          metrics: Record<string, { samples: Sample[] }>;
        };
        const { samples } = metrics['inventory_http_requests_total']!;
        return samples
          .filter(({ labels }) => labels['route'] === '/api/sync/status')
          .reduce((sum, { value }) => sum + value, 0);
      })
      .toBe(answers.length);
    const left = answers.map(({ headers }) => /r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);
    expect(new Set(left).size).toBeGreaterThanOrEqual(30 - 2);
  });
});
