// What was measured on the earlier public implementation of the same idea, one test each. (That its
// mutex let several holders in at once is in tests/resilience/keyed-mutex.test.ts.)
import { afterEach, describe, expect, it } from 'vitest';
import { createNodeFileSystem } from '../../src/storage/file/disk/node-file-system.js';
import { verifyLog } from '../../src/storage/file/recovery/verify-log.js';
import { cleanUp, spawnServer, temporaryDirectory } from '../support/spawned-server.js';
import { createStockClient } from '../support/stock-client.js';

describe('what an earlier implementation got wrong', () => {
  afterEach(cleanUp);

  it('20 concurrent adjusts on 20 SKUs: 20 acknowledged, 20 persisted', async () => {
    const dataDir = temporaryDirectory();
    const server = await spawnServer({ dataDir });
    const client = createStockClient(server.url);
    const skus = Array.from({ length: 20 }, (_, index) => `SKU${index}`);

    const answers = await Promise.all(skus.map((sku) => client.adjust('S1', sku, 7)));
    server.signal('SIGKILL');
    await server.ended;

    expect(answers.map((answer) => answer?.status)).toEqual(skus.map(() => 200));
    const restarted = createStockClient((await spawnServer({ dataDir })).url);
    for (const sku of skus) {
      expect((await restarted.record('S1', sku))?.body).toMatchObject({ onHand: 7, version: 1 });
    }
  });

  it('sequences count 1, 2, 3, and go on after a restart', async () => {
    const dataDir = temporaryDirectory();
    const first = await spawnServer({ dataDir });
    const before = createStockClient(first.url);
    const sequences: unknown[] = [];
    for (let i = 0; i < 3; i += 1) {
      sequences.push((await before.adjust('S1', 'SKU1', 1))?.body.sequence);
    }
    first.signal('SIGKILL');
    await first.ended;

    const second = createStockClient((await spawnServer({ dataDir })).url);
    sequences.push((await second.adjust('S1', 'SKU2', 1))?.body.sequence);

    expect(sequences).toEqual([1, 2, 3, 4]);
  });

  it('a 404 stands in nobody’s way', async () => {
    const client = createStockClient((await spawnServer({ dataDir: temporaryDirectory() })).url);
    for (let i = 0; i < 50; i += 1) {
      expect((await client.record('S1', 'NOTHING'))?.status).toBe(404);
    }

    expect((await client.adjust('S1', 'SKU1', 1))?.status).toBe(200);
  });

  it('64 connections do not damage the files', async () => {
    const dataDir = temporaryDirectory();
    const server = await spawnServer({ dataDir });
    const client = createStockClient(server.url);
    const work = Array.from({ length: 64 }, async (_, index) => {
      for (let i = 0; i < 20; i += 1) await client.adjust('S1', `SKU${(index * 7 + i) % 50}`, 1);
    });
    await Promise.all(work);
    server.signal('SIGKILL');
    await server.ended;

    const report = await verifyLog(createNodeFileSystem(), dataDir);

    expect(report).toMatchObject({ events: 64 * 20, onHand: 64 * 20, differences: [] });
  });
});
