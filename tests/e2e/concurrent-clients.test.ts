import { afterEach, describe, expect, it } from 'vitest';
import { InventoryProblem } from '../../src/client/errors.js';
import { InventoryClient } from '../../src/client/inventory-client.js';
import { createNodeFileSystem } from '../../src/storage/file/disk/node-file-system.js';
import { verifyLog } from '../../src/storage/file/recovery/verify-log.js';
import { cleanUp, spawnServer, temporaryDirectory } from '../support/spawned-server.js';

const CLIENTS = 64;
const REQUESTS_EACH = 25;
const STORE = 'S1';

/** What the clients were told: the ledger that the service is held to. */
interface Ledger {
  readonly reserved: Map<string, number>;
  readonly sequences: number[];
  refused: number;
}

/** Every client reserves one unit of a record of its choice, again and again. */
async function runClients(url: string, skuOf: (request: number) => string): Promise<Ledger> {
  const client = new InventoryClient({ url });
  const ledger: Ledger = { reserved: new Map(), sequences: [], refused: 0 };
  let request = 0;
  const clients = Array.from({ length: CLIENTS }, async (_, index) => {
    for (let turn = 0; turn < REQUESTS_EACH; turn += 1) {
      const sku = skuOf((request += 1));
      const options = { idempotencyKey: `key-${index}-${turn}` };
      try {
        const { sequence } = await client.reserve({ storeId: STORE, sku }, { qty: 1 }, options);
        ledger.reserved.set(sku, (ledger.reserved.get(sku) ?? 0) + 1);
        ledger.sequences.push(sequence);
      } catch (error) {
        expect(error).toBeInstanceOf(InventoryProblem);
        expect(error).toMatchObject({ code: 'insufficient-stock' });
        ledger.refused += 1;
      }
    }
  });
  await Promise.all(clients);
  return ledger;
}

async function stock(url: string, skus: readonly string[], delta: number): Promise<void> {
  const operations = skus.map((sku) => ({ op: 'adjust', storeId: STORE, sku, delta }) as const);
  await new InventoryClient({ url }).batch(operations);
}

async function expectLedger(url: string, skus: readonly string[], ledger: Ledger, onHand: number) {
  let records = 0;
  for await (const item of new InventoryClient({ url }).records(STORE)) {
    records += 1;
    const reserved = ledger.reserved.get(item.sku) ?? 0;
    expect(item).toMatchObject({ onHand, reserved, qty: onHand - reserved });
    expect(onHand - reserved).toBeGreaterThanOrEqual(0);
  }
  expect(records).toBe(skus.length);
}

describe('64 concurrent clients', () => {
  afterEach(cleanUp);

  const thousand = Array.from({ length: 1_000 }, (_, index) => `SKU${index}`);
  it.each([
    ['on 1,000 records', thousand, 1_000, 0],
    // Fewer units than requests: the last unit is sold once, and the rest is refused.
    ['on ONE record', ['HOT'], 1_200, CLIENTS * REQUESTS_EACH - 1_200],
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
