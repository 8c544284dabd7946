import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoadRequest } from './load.js';
import { type Measured, startServer } from './process.js';

/** One thing that is measured beside the others. */
export interface Side {
  readonly name: string;
  readonly expectedStatus: number;
  start(): Promise<Measured>;
  next(): LoadRequest;
}

const RECORDS = Number(process.env['BENCH_RECORDS'] ?? 50_000);
const STORE = 'STORE001';
const ECHO_BODY = JSON.stringify({ qty: 1, reference: 'order-0000001' });
const BATCH = 10_000;

function echoSide(name: string, script: string): Side {
  return {
    name,
    expectedStatus: 200,
    start: () =>
      startServer(`bench/servers/${script}`, {}, (output) =>
        output.includes('\n') ? `http://127.0.0.1:${output.trim()}` : undefined,
      ),
    next: () => ({ method: 'POST', path: '/echo', body: ECHO_BODY }),
  };
}

/** The service as it runs in production, on a data directory of its own. */
function serviceSide(name: string, expectedStatus: number, next: () => LoadRequest): Side {
  return {
    name,
    expectedStatus,
    async start() {
      const directory = mkdtempSync(join(tmpdir(), 'inventory-bench-'));
      const server = await startServer(
        'scripts/start.mjs',
        { PORT: '0', DATA_DIR: directory },
        (output) => /"url":"(http:[^"]+)"/.exec(output)?.[1],
      );
      await stock(server.url);
      return {
        ...server,
        async stop() {
          await server.stop();
          rmSync(directory, { recursive: true });
        },
      };
    },
    next,
  };
}

/** Enough of everything that nothing runs out while it is measured. */
async function stock(url: string): Promise<void> {
  for (let first = 0; first < RECORDS; first += BATCH) {
    const operations = Array.from({ length: Math.min(BATCH, RECORDS - first) }, (_, index) => ({
      ...{ op: 'adjust', storeId: STORE, sku: skuOf(first + index), delta: 1_000_000 },
    }));
    const response = await fetch(`${url}/api/inventory/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ operations }),
    });
    if (!response.ok) throw new Error(`stocking failed: ${await response.text()}`);
  }
}

function skuOf(index: number): string {
  return `SKU${String(index % RECORDS).padStart(6, '0')}`;
}

function recordPath(index: number): string {
  return `/api/inventory/stores/${STORE}/inventory/${skuOf(index)}`;
}

const RUN = Date.now().toString(36);
let counter = 0;

/** A walk over the records that touches neighbours far apart. */
function nextIndex(): number {
  counter += 1;
  return counter * 7_919;
}

function reserve(index: number): LoadRequest {
  return {
    method: 'POST',
    path: `${recordPath(index)}/reserve`,
    body: JSON.stringify({ qty: 1, reference: `order-${counter}` }),
    headers: { 'idempotency-key': `bench-${RUN}-${counter}` },
  };
}

export const sides: readonly Side[] = [
  echoSide('raw node:http echo', 'raw-echo.mjs'),
  echoSide('bare Express 5 echo', 'express-echo.mjs'),
  serviceSide('service: reserve, fresh key', 201, () => reserve(nextIndex())),
  serviceSide('service: reserve, one hot record', 201, () => {
    nextIndex();
    return reserve(0);
  }),
  serviceSide('service: GET record', 200, () => ({ method: 'GET', path: recordPath(nextIndex()) })),
];
