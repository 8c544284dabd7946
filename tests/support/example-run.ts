import { once } from 'node:events';
import { type IncomingMessage, type Server, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInventoryQueries } from '../../src/application/inventory-queries.js';
import { createInventoryService } from '../../src/application/inventory-service.js';
import { createRecordClock } from '../../src/application/record-clock.js';
import { createHttpApp } from '../../src/http/http-app.js';
import type { Example, ExampleAnswer, ExampleRequest } from '../../src/http/openapi/example.js';
import { createKeyedMutex } from '../../src/resilience/keyed-mutex.js';
import { createMemoryInventoryRepository } from '../../src/storage/memory/memory-inventory-repository.js';
import type { EventSource, SourceItem } from '../../src/sync/event-source.js';
import { createSystem } from '../../src/system.js';
import { createExampleObservation } from './http-observation.js';
import { createOwnSync } from './own-sync.js';
import { createTestAdmission } from './test-admission.js';
import { WELL } from './well.js';

type SentRequest = ExampleRequest & { readonly method: string };

/** A service on loopback whose time and ids are the same in every run: so are its answers. */
export interface ExampleService {
  readonly url: string;
  readonly server: Server;
  /** Sends it a second after the one before. */
  readonly send: (request: SentRequest) => Promise<ExampleAnswer>;
  stop(): Promise<void>;
}

const STARTED_AT = Date.parse('2025-11-03T09:30:00.000Z');

export async function startExampleService(version: string): Promise<ExampleService> {
  let elapsedMs = 0;
  let lastId = 0;
  const clock = { wallMs: () => STARTED_AT + elapsedMs, monotonicMs: () => elapsedMs };
  const nextId = () => `019a4912-8d40-7000-8000-${(lastId += 1).toString(16).padStart(12, '0')}`;
  const system = {
    ...createSystem(),
    clock,
    ids: { next: nextId },
    random: { next: () => 0 },
  };
  const repository = createMemoryInventoryRepository(createRecordClock(clock, () => undefined));
  const service = createInventoryService({
    repository,
    mutex: createKeyedMutex(),
    idempotencyTtlMs: 300_000,
    idempotencyKeysMax: 1_000,
    reservationRetentionMs: 3_600_000,
  });
  const sync = createOwnSync(repository, system, brokenAtFirst);
  const { server, endWaiting } = createHttpApp({
    service,
    queries: createInventoryQueries(repository, service),
    feed: repository,
    central: sync,
    now: () => repository.now(),
    system,
    admission: createTestAdmission(system, { limit: { perSecond: 100, burst: 200 } }),
    readiness: () => WELL,
    ...createExampleObservation(clock),
    version,
    draining: () => false,
    onInternalError: (error) => console.error(error),
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    server,
    send(request) {
      elapsedMs += 1_000;
      return answerTo(port, request);
    },
    async stop() {
      endWaiting();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
      await sync.worker.close(0);
      await repository.close();
    },
  };
}

/** Two events arrive broken when they are read first. */
function brokenAtFirst(source: EventSource): EventSource {
  const broken = new Set([3, 5]);
  return {
    ...source,
    async read(after, limit, signal) {
      const page = await source.read(after, limit, signal);
      const items = page.items.map((item): SourceItem => {
        const { event, sequence } = item;
        if (event === undefined || !broken.delete(event.sequence)) return item;
        const detail = 'what came is not an event: lines is not acceptable';
        const records = event.lines.map(({ storeId, sku, version }) => ({ storeId, sku, version }));
        return { sequence, detail, type: event.type, records, received: '{"lines":"…"}' };
      });
      return { ...page, items };
    },
  };
}

/** Sends the requests one after the other; `methodOf` an operation is its method. */
export async function runExamples(
  { send }: ExampleService,
  requests: readonly ExampleRequest[],
  methodOf: (operation: string) => string,
): Promise<Example[]> {
  const examples: Example[] = [];
  for (const each of requests) {
    const filled = withAnswers(each, examples);
    const request = { ...filled, method: each.method ?? methodOf(each.operation).toUpperCase() };
    examples.push({ ...request, answer: await send(request) });
  }
  return examples;
}

/** With what earlier answers said in the places that are kept for it: `<name.member.member>`. */
function withAnswers(request: ExampleRequest, earlier: readonly Example[]): ExampleRequest {
  const filled = JSON.stringify(request).replaceAll(
    /<([a-z-]+)\.([a-zA-Z0-9.]+)>/g,
    (place, name: string, members: string) => {
      let value: unknown = earlier.find((example) => example.name === name)?.answer.body;
      for (const member of members.split('.')) value = (value as Record<string, unknown>)[member];
      if (typeof value !== 'string') throw new Error(`nothing was answered to fill ${place}`);
      return value;
    },
  );
  return JSON.parse(filled) as ExampleRequest;
}

/** What Node adds to an answer by itself. */
const OF_NODE = /^(?:date|connection|keep-alive|content-length|transfer-encoding)$/i;

/** A stream has no end: this much of it is an example. */
const STREAM_START = /^retry:.*\n\nid:.*\n.*\n\n/;

function answerTo(
  port: number,
  { method, path, headers, body }: ExampleRequest,
): Promise<ExampleAnswer> {
  const json = typeof body === 'object';
  const bytes = json ? JSON.stringify(body) : body;
  const type = json ? { 'Content-Type': 'application/json' } : {};
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path, headers: { ...type, ...headers } };
    const request = send(options, (response) => {
      let text = '';
      const type = response.headers['content-type'] ?? '';
      const answered = (body: unknown): void => {
        resolve({
          status: response.statusCode ?? 0,
          headers: namedHeaders(response.rawHeaders),
          ...(body !== '' && { body }),
        });
      };
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        const start = STREAM_START.exec(text);
        if (type !== 'text/event-stream' || start === null) return;
        answered(start[0]);
        request.destroy();
      });
      response.on('end', () => answered(isJson(response) ? JSON.parse(text) : text));
    });
    request.on('error', reject).end(bytes);
  });
}

function isJson({ headers }: IncomingMessage): boolean {
  return headers['content-type']?.endsWith('json') === true;
}

function namedHeaders(raw: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let index = 0; index < raw.length; index += 2) {
    const [name = '', value = ''] = raw.slice(index, index + 2);
    if (!OF_NODE.test(name)) headers[name] = value;
  }
  return headers;
}
