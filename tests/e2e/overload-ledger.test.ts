import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { createNodeFileSystem } from '../../src/storage/file/disk/node-file-system.js';
import { verifyLog } from '../../src/storage/file/recovery/verify-log.js';
import { cleanUp, spawnServer, temporaryDirectory } from '../support/spawned-server.js';
import { createStockClient } from '../support/stock-client.js';

const CLIENTS = 64;
const WRITES_EACH = 10;
const QUEUE_MAX = 8;
/** Every so many-th write gives up when it is shed: what it wanted must never happen. */
const GIVES_UP_EVERY = 5;

afterEach(cleanUp);

it('does what it acknowledged, and nothing of what it shed', async () => {
  const dataDir = temporaryDirectory();
  const environment = { LOAD_SHED_QUEUE_MAX: String(QUEUE_MAX) };
  const server = await spawnServer({ dataDir, environment });
  const client = createStockClient(server.url);
  let acknowledged = 0;
  let shed = 0;
  let givenUp = 0;

  async function write(key: string, mayGiveUp: boolean): Promise<void> {
    for (;;) {
      const answer = await client.adjust('S1', 'SKU1', 1, key);
      if (answer?.status === 200) {
        acknowledged += 1;
        return;
      }
      expect(answer).toMatchObject({ status: 503, body: { code: 'overloaded' } });
      shed += 1;
      if (mayGiveUp) {
        givenUp += 1;
        return;
      }
      await sleep(Math.random() * 30);
    }
  }

  const clients = Array.from({ length: CLIENTS }, async (_, index) => {
    for (let turn = 0; turn < WRITES_EACH; turn += 1) {
      await write(`key-${index}-${turn}`, (index + turn) % GIVES_UP_EVERY === 0);
    }
  });
  await Promise.all(clients);

  expect(shed).toBeGreaterThan(0);
  expect(acknowledged + givenUp).toBe(CLIENTS * WRITES_EACH);
  const record = await client.record('S1', 'SKU1');
  expect(record?.body).toMatchObject({ onHand: acknowledged, version: acknowledged });
  const ready = await client.send('GET', '/api/health/readiness');
  expect(ready).toMatchObject({ status: 200, body: { checks: { queue: { writes: 0 } } } });
  server.signal('SIGTERM');
  expect(await server.ended).toBe(0);
  expect((await verifyLog(createNodeFileSystem(), dataDir)).lastSequence).toBe(acknowledged);
}, 60_000);
