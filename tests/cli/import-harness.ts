import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createInventoryQueries } from '../../src/application/inventory-queries.js';
import { createInventoryService } from '../../src/application/inventory-service.js';
import { createRecordClock } from '../../src/application/record-clock.js';
import { type ImportResult, importOrders } from '../../src/cli/import/import-orders.js';
import { type ProgressFile, openProgressFile } from '../../src/cli/import/progress-file.js';
import { InventoryClient } from '../../src/client/inventory-client.js';
import { type Transport, createTransport } from '../../src/client/transport.js';
import { nodeEnvironment } from '../../src/client/environment.js';
import { createHttpApp } from '../../src/http/http-app.js';
import { createKeyedMutex } from '../../src/resilience/keyed-mutex.js';
import { createMemoryInventoryRepository } from '../../src/storage/memory/memory-inventory-repository.js';
import { createSystem } from '../../src/system.js';
import { createExampleObservation } from '../support/http-observation.js';
import { createOwnSync } from '../support/own-sync.js';
import { createTestAdmission } from '../support/test-admission.js';
import { WELL } from '../support/well.js';

export const SAMPLE = new URL('../../data/samples/online-retail-2010-12.csv', import.meta.url);

interface TestService {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** The real HTTP service on loopback, with its stock in memory. */
export async function startMemoryService(idempotencyTtlMs = 300_000): Promise<TestService> {
  const system = createSystem();
  const repository = createMemoryInventoryRepository(
    createRecordClock(system.clock, () => {}),
    randomUUID(),
  );
  const service = createInventoryService({
    repository,
    mutex: createKeyedMutex(),
    idempotencyTtlMs,
    idempotencyKeysMax: 1_000_000,
    reservationRetentionMs: 0,
  });
  const { server } = createHttpApp({
    service,
    queries: createInventoryQueries(repository, service),
    feed: repository,
    central: createOwnSync(repository, system),
    now: () => repository.now(),
    system,
    admission: createTestAdmission(system),
    readiness: () => WELL,
    ...createExampleObservation(system.clock),
    version: 'test',
    draining: () => false,
    onInternalError: (error) => console.error(error),
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Where nobody listens. */
export async function deadUrl(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

/** A directory of its own with an order file in it. */
export function createOrderFile(csv: string | Uint8Array) {
  const directory = mkdtempSync(path.join(tmpdir(), 'order-import-'));
  const file = path.join(directory, 'orders.csv');
  const progressFile = `${file}.progress.jsonl`;
  writeFileSync(file, csv);
  return { file, progressFile, remove: () => rmSync(directory, { recursive: true }) };
}

export interface ImportRun {
  readonly csv: Uint8Array;
  readonly url: string;
  readonly progressFile: string;
  readonly concurrency?: number;
  readonly retryForMs?: number;
  /** Something that goes wrong between the import and the service, or its progress file. */
  readonly wrapClient?: (client: Transport) => Transport;
  readonly wrapProgress?: (file: ProgressFile) => ProgressFile;
}

/** The import in this process, with short pauses. */
export async function runImport(run: ImportRun): Promise<ImportResult> {
  const { csv, url, progressFile, concurrency = 8, retryForMs = 20_000 } = run;
  const http = createTransport({ url, attemptTimeoutMs: 5_000, environment: nodeEnvironment });
  const transport = run.wrapClient?.(http) ?? http;
  const backoff = { backoffBaseMs: 1, backoffMaxMs: 50 };
  return await importOrders(csv, {
    client: new InventoryClient({ url, transport, retryForMs, ...backoff }),
    openProgress() {
      const file = openProgressFile(progressFile);
      return run.wrapProgress?.(file) ?? file;
    },
    concurrency,
  });
}

/** Numbers in [0, 1) that follow from a seed; `SEED=… npm test` repeats what a failure prints. */
export function seededRandom() {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  let state = seed;
  return {
    seed,
    next() {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
  };
}

/** The compiled command in a process of its own. */
export function spawnImport(...args: string[]) {
  const child = spawn(process.execPath, ['dist/cli/import.js', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    stdout,
    stderr,
  }));
  let isEnded = false;
  void ended.then(() => (isEnded = true));
  return {
    ended,
    kill: () => child.kill('SIGKILL'),
    /** Resolves when its progress file has so many bytes, or it has ended: then with false. */
    async hasReached(progressFile: string, bytes: number): Promise<boolean> {
      const size = () => statSync(progressFile, { throwIfNoEntry: false })?.size ?? 0;
      while (!isEnded && size() < bytes) await sleep(2);
      return !isEnded;
    },
  };
}
