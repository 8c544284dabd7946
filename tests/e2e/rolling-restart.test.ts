import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { createNodeFileSystem } from '../../src/storage/file/disk/node-file-system.js';
import { verifyLog } from '../../src/storage/file/recovery/verify-log.js';
import { cleanUp, spawnServer, temporaryDirectory } from '../support/spawned-server.js';
import { createStockClient } from '../support/stock-client.js';

const RESTARTS = Number(process.env['RESTARTS'] ?? 20);
const CLIENTS = 8;
const RECORDS = 4;
/** How many are to be acknowledged between two restarts. */
const WRITES_BETWEEN = 50;

afterEach(cleanUp);

/** What came of the attempts that were no success. */
interface Attempts {
  unanswered: number;
  shuttingDown: number;
  readonly unexpected: unknown[];
}

it(`loses and doubles nothing over ${RESTARTS} restarts under load, and surprises nobody`, async () => {
  const dataDir = temporaryDirectory();
  const environment: Record<string, string> = {};
  let server = await spawnServer({ dataDir, environment });
  environment['PORT'] = new URL(server.url).port;
  const client = createStockClient(server.url);
  const attempts: Attempts = { unanswered: 0, shuttingDown: 0, unexpected: [] };
  const acknowledged: number[] = Array.from({ length: RECORDS }, () => 0);
  let done = 0;
  let stopping = false;

  /** One write, asked again with its key until there is an answer. */
  async function write(key: string, sku: string): Promise<void> {
    for (;;) {
      const answer = await client.adjust('S1', sku, 1, key);
      if (answer?.status === 200) return;
      if (answer === undefined) attempts.unanswered += 1;
      else if (answer.status === 503 && answer.body['code'] === 'shutting-down') {
        attempts.shuttingDown += 1;
      } else attempts.unexpected.push(answer);
      await sleep(50 + Math.random() * 50);
    }
  }

  const load = Array.from({ length: CLIENTS }, async (_, index) => {
    for (let turn = 0; !stopping; turn += 1) {
      const record = (index + turn) % RECORDS;
      await write(`key-${index}-${turn}`, `SKU${record}`);
      acknowledged[record] = (acknowledged[record] ?? 0) + 1;
      done += 1;
    }
  });
  for (let restart = 0; restart < RESTARTS; restart += 1) {
    const enough = done + WRITES_BETWEEN;
    while (done < enough) await sleep(5);
    server.signal('SIGTERM');
    expect(await server.ended).toBe(0);
    server = await spawnServer({ dataDir, environment });
    expect(server.output()).toContain('"clean":true');
  }
  stopping = true;
  await Promise.all(load);

  expect(attempts.unexpected).toEqual([]);
  for (const [record, units] of acknowledged.entries()) {
    const shown = await client.record('S1', `SKU${record}`);
    expect(shown?.body).toMatchObject({ onHand: units, version: units });
  }
  server.signal('SIGTERM');
  expect(await server.ended).toBe(0);
  const report = await verifyLog(createNodeFileSystem(), dataDir);
  expect(report.lastSequence).toBe(done);
  console.log(
    `rolling restart: ${RESTARTS} restarts, ${done} writes, ${attempts.shuttingDown} times 503, ` +
      `${attempts.unanswered} times no answer, 0 lost, 0 doubled`,
  );
}, 180_000);
