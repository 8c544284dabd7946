import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoadRequest, Memory, RequestMaker } from './load.js';
import { type Measured, startServer } from './process.js';

/** One thing that is measured beside the others. */
export interface Side {
  readonly name: string;
  /** What one figure is of: a request, or one of the operations in it. */
  readonly unit: string;
  readonly unitsPerRequest: number;
  readonly expected: readonly number[];
  readonly connections: number;
  readonly makers: readonly RequestMaker[];
  start(): Promise<Measured>;
}

export const BASELINE = 'bare Express 5 echo';

const RECORDS = Number(process.env['BENCH_RECORDS'] ?? 50_000);
const STORE = 'STORE001';
const ECHO_BODY = JSON.stringify({ qty: 1, reference: 'order-0000001' });
const BATCH = 10_000;

type SideOptions = Pick<Side, 'makers'> & Partial<Omit<Side, 'name' | 'start'>>;

function side(name: string, start: () => Promise<Measured>, options: SideOptions): Side {
  const defaults = { unit: 'request', unitsPerRequest: 1, expected: [200], connections: 64 };
  return { name, start, ...defaults, ...options };
}

function echoSide(name: string, script: string): Side {
  const start = () =>
    startServer(`bench/servers/${script}`, {}, (output) =>
      output.includes('\n') ? `http://127.0.0.1:${output.trim()}` : undefined,
    );
  const make = (): LoadRequest => ({ method: 'POST', path: '/echo', body: ECHO_BODY });
  return side(name, start, { makers: [{ make }] });
}

/** The service as it runs in production, on a data directory of its own. */
export async function startService(): Promise<Measured> {
  const directory = mkdtempSync(join(tmpdir(), 'inventory-bench-'));
  const environment = {
    ...{ PORT: '0', DATA_DIR: directory },
    // All load comes from one client here.
    ...{ RATE_LIMIT_RPS: '1000000000', RATE_LIMIT_BURST: '1000000000' },
  };
  const server = await startServer(
    'scripts/start.mjs',
    environment,
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
}

function serviceSide(name: string, options: SideOptions): Side {
  return side(`service: ${name}`, startService, options);
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

function freshKey(): Readonly<Record<string, string>> {
  return { 'idempotency-key': `bench-${RUN}-${counter}` };
}

function reserve(index: number): LoadRequest {
  return {
    method: 'POST',
    path: `${recordPath(index)}/reserve`,
    body: JSON.stringify({ qty: 1, reference: `order-${counter}` }),
    headers: freshKey(),
  };
}

function order(lineCount: number): LoadRequest {
  const lines = Array.from({ length: lineCount }, () => ({
    ...{ storeId: STORE, sku: skuOf(nextIndex()), qty: 1 },
  }));
  const body = JSON.stringify({ lines, reference: `order-${counter}` });
  return { method: 'POST', path: '/api/reservations', body, headers: freshKey() };
}

function commit(memory: Memory): LoadRequest {
  nextIndex();
  const path = `/api/reservations/${memory['id'] ?? ''}/commit`;
  return { method: 'POST', path, body: '{}', headers: freshKey() };
}

function rememberId(body: string, memory: Memory): void {
  memory['id'] = /"reservation":\{"id":"([^"]+)"/.exec(body)?.[1] ?? '';
}

export function batch(operationCount: number): LoadRequest {
  const operations = Array.from({ length: operationCount }, () => ({
    ...{ op: 'adjust', storeId: STORE, sku: skuOf(nextIndex()), delta: 1 },
  }));
  const body = JSON.stringify({ operations });
  return { method: 'POST', path: '/api/inventory/batch', body, headers: freshKey() };
}

export const reserveSpread: RequestMaker = { make: () => reserve(nextIndex()) };
const reserveHot: RequestMaker = {
  make: () => {
    nextIndex();
    return reserve(0);
  },
};

export const sides: readonly Side[] = [
  echoSide('raw node:http echo', 'raw-echo.mjs'),
  echoSide(BASELINE, 'express-echo.mjs'),
  serviceSide('reserve, fresh key', { makers: [reserveSpread], expected: [201] }),
  serviceSide('reserve, one hot record', { makers: [reserveHot], expected: [201] }),
  serviceSide('GET record', {
    makers: [{ make: () => ({ method: 'GET', path: recordPath(nextIndex()) }) }],
  }),
  serviceSide('order of 5 lines: reserve, commit', {
    makers: [{ make: () => order(5), remember: rememberId }, { make: commit }],
    expected: [200, 201],
  }),
  serviceSide('batch of 1,000', {
    makers: [{ make: () => batch(1_000) }],
    unit: 'operation',
    unitsPerRequest: 1_000,
    connections: 4,
  }),
];
