import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { cleanUp, spawnServer, temporaryDirectory } from '../support/spawned-server.js';
import { createStockClient } from '../support/stock-client.js';

afterEach(cleanUp);

async function metricsOf(url: string): Promise<string> {
  return await (await fetch(`${url}/metrics`)).text();
}

it('requests over the rate of their client are counted with the others, by status', async () => {
  const environment = { RATE_LIMIT_RPS: '1', RATE_LIMIT_BURST: '2' };
  const { url } = await spawnServer({ dataDir: temporaryDirectory(), environment });
  const client = createStockClient(url);
  const statuses = [];
  for (let index = 0; index < 4; index += 1) {
    statuses.push((await client.adjust('S1', 'A', 1, `key-${index}`))?.status);
  }

  expect(statuses).toEqual([200, 200, 429, 429]);
  const text = await metricsOf(url);
  const counted = 'inventory_http_requests_total{method="POST",route="unmatched",status="429"} 2\n';
  expect(text).toContain(counted);
  expect(text).toContain('inventory_http_requests_in_flight 1\n');
});

it('writes that wait for their turn in a shared directory take no place of those that decide', async () => {
  const slowSyncs = `${temporaryDirectory()}/late-ms`;
  const environment = { LOCKS_ENABLED: 'true', CONCURRENCY_API: '1', SLOW_SYNCS: slowSyncs };
  const preload = new URL('../crash/slow-syncs.mjs', import.meta.url);
  const { url } = await spawnServer({ dataDir: temporaryDirectory(), environment, preload });
  const client = createStockClient(url);
  const adjust = (sku: string) => client.adjust('S1', sku, 1, sku);
  writeFileSync(slowSyncs, '1500');
  // While the first one is synced there is no turn for the others, for longer than a place is waited for.
  const first = adjust('SKU0');
  await sleep(300);
  const others = Array.from({ length: 20 }, (_, index) => adjust(`SKU${index + 1}`));

  const answers = await Promise.all([first, ...others]);
  expect(answers.map((answer) => answer?.status)).toEqual(Array(21).fill(200));
  rmSync(slowSyncs);
});
