import { afterEach, describe, expect, it } from 'vitest';
import { createNodeFileSystem } from '../../src/storage/file/node-file-system.js';
import { verifyLog } from '../../src/storage/file/verify-log.js';
import { cleanUp, spawnServer, temporaryDirectory } from '../support/spawned-server.js';
import { createStockClient } from '../support/stock-client.js';

const CLIENTS = 64;
const REQUESTS_EACH = 40;
const STORE = 'S1';

/** What the clients were told: the ledger that the service is held to. */
interface Ledger {
  readonly reserved: Map<string, number>;
  readonly sequences: number[];
  refused: number;
}

/** Every client reserves one unit of a record of its choice, again and again. */
async function runClients(url: string, skuOf: (request: number) => string): Promise<Ledger> {
  const client = createStockClient(url);
  const ledger: Ledger = { reserved: new Map(), sequences: [], refused: 0 };
  let request = 0;
  const clients = Array.from({ length: CLIENTS }, async (_, index) => {
    for (let turn = 0; turn < REQUESTS_EACH; turn += 1) {
      const sku = skuOf((request += 1));
      const answer = await client.reserve(STORE, sku, 1, `key-${index}-${turn}`);
      if (answer?.status === 201) {
        ledger.reserved.set(sku, (ledger.reserved.get(sku) ?? 0) + 1);
        ledger.sequences.push(answer.body.sequence ?? 0);
      } else {
        expect(answer?.status).toBe(422);
        ledger.refused += 1;
      }
    }
  });
  await Promise.all(clients);
  return ledger;
}

async function stock(url: string, skus: readonly string[], delta: number): Promise<void> {
  const operations = skus.map((sku) => ({ op: 'adjust', storeId: STORE, sku, delta }));
  const answer = await createStockClient(url).send('POST', '/api/inventory/batch', { operations });
  expect(answer?.status).toBe(200);
}

async function expectLedger(url: string, skus: readonly string[], ledger: Ledger, onHand: number) {
  const list = `/api/inventory/stores/${STORE}/inventory?limit=1000`;
  const answer = await createStockClient(url).send('GET', list);
  const items = answer?.body['items'] as readonly Record<string, unknown>[];
  expect(items).toHaveLength(skus.length);
  for (const item of items) {
    const reserved = ledger.reserved.get(String(item['sku'])) ?? 0;
    expect(item).toMatchObject({ onHand, reserved, qty: onHand - reserved });
    expect(onHand - reserved).toBeGreaterThanOrEqual(0);
  }
}

describe('64 concurrent clients', () => {
  afterEach(cleanUp);

  const thousand = Array.from({ length: 1_000 }, (_, index) => `SKU${index}`);
  it.each([
    ['on 1,000 records', thousand, 1_000, 0],
    // Fewer units than requests: the last unit is sold once, and the rest is refused.
    ['on ONE record', ['HOT'], 2_000, CLIENTS * REQUESTS_EACH - 2_000],
  ])('%s: acknowledged = persisted, also after kill -9', async (_, skus, units, refused) => {
    const dataDir = temporaryDirectory();
    const first = await spawnServer({ dataDir });
    await stock(first.url, skus, units);

    const ledger = await runClients(first.url, (request) => skus[request % skus.length] ?? '');

    expect(ledger.refused).toBe(refused);
    // One stocking event before them; refusals to keyed requests have their place in the log, too.
    expect(new Set(ledger.sequences).size).toBe(ledger.sequences.length);
    expect(Math.max(...ledger.sequences)).toBeLessThanOrEqual(1 + CLIENTS * REQUESTS_EACH);
    await expectLedger(first.url, skus, ledger, units);
    first.signal('SIGKILL');
    expect(await first.ended).toBe('SIGKILL');

    const report = await verifyLog(createNodeFileSystem(), dataDir);
    expect(report.lastSequence).toBe(1 + CLIENTS * REQUESTS_EACH);
    expect(report.reserved).toBe(ledger.sequences.length);
    const second = await spawnServer({ dataDir });
    await expectLedger(second.url, skus, ledger, units);
  });
});
