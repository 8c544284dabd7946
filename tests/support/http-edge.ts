import { request as send } from 'node:http';
import { pino } from 'pino';
import type { ZodType } from 'zod';
import { expect, onTestFinished } from 'vitest';
import { createInventoryQueries } from '../../src/application/inventory-queries.js';
import {
  type InventoryService,
  createInventoryService,
} from '../../src/application/inventory-service.js';
import type { InventoryRepository } from '../../src/application/ports.js';
import { createRecordClock } from '../../src/application/record-clock.js';
import { createHttpApp } from '../../src/http/http-app.js';
import type { FeedLimits } from '../../src/http/feed/followers.js';
import type { HttpLimits } from '../../src/http/server/http-server.js';
import { problemSchema } from '../../src/http/schemas/problem-schemas.js';
import { createRequestObserver } from '../../src/observability/request-log.js';
import { createRequestMetrics } from '../../src/observability/request-metrics.js';
import { createKeyedMutex } from '../../src/resilience/keyed-mutex.js';
import { createMemoryInventoryRepository } from '../../src/storage/memory/memory-inventory-repository.js';
import { type Timers, createSystem } from '../../src/system.js';
import type { ReadinessFacts } from '../../src/http/readiness.js';
import type { Admission, AdmissionDeps } from '../../src/http/admission/admission.js';
import { metricsOf } from './http-observation.js';
import { listen, shut } from '../http/raw-exchange.js';
import type { EventSource } from '../../src/sync/event-source.js';
import { createOwnSync } from './own-sync.js';
import { createTestAdmission } from './test-admission.js';
import { WELL } from './well.js';

/** Names and values; an array sends the header several times. */
export type Headers = Readonly<Record<string, string | readonly string[]>>;

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  // A body is looked at as it came: the assertion on it is the check.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
}

export interface Edge {
  readonly port: number;
  readonly service: InventoryService;
  readonly repository: InventoryRepository;
  readonly admission: Admission;
  /** Errors that the edge answered with 500. */
  readonly internalErrors: unknown[];
  /** Moves the wall clock and the monotonic one. */
  advance(ms: number): void;
  drain(): void;
  endWaiting(): void;
  call(method: string, path: string, body?: unknown, headers?: Headers): Promise<Reply>;
  get(path: string, headers?: Headers): Promise<Reply>;
  post(path: string, body?: unknown, headers?: Headers): Promise<Reply>;
  put(path: string, body?: unknown, headers?: Headers): Promise<Reply>;
  /** A record with so many units on hand, made behind the edge's back. */
  stock(sku: string, onHand: number, storeId?: string): Promise<void>;
}

const STARTED_AT = Date.parse('2025-11-03T09:30:00.000Z');
const STORE = 'STORE001';

export interface EdgeOptions {
  readonly idempotencyKeysMax?: number;
  /** Stands between the edge and the real service. */
  readonly around?: (service: InventoryService) => InventoryService;
  readonly limits?: HttpLimits;
  readonly mayResetMetrics?: boolean;
  readonly feedLimits?: FeedLimits;
  readonly admission?: Partial<Omit<AdmissionDeps, 'system'>>;
  readonly trustProxy?: number | string;
  readonly readiness?: Partial<ReadinessFacts>;
  /** In place of those of Node. */
  readonly timers?: Timers;
  /** Stands between the sync worker and the own log. */
  readonly aroundSource?: (source: EventSource) => EventSource;
}

/** The whole edge over a real service in memory, on a port of its own, with a clock that stands. */
export async function startEdge(options: EdgeOptions = {}): Promise<Edge> {
  let elapsedMs = 0;
  let draining = false;
  const internalErrors: unknown[] = [];
  const clock = { wallMs: () => STARTED_AT + elapsedMs, monotonicMs: () => elapsedMs };
  const node = createSystem();
  const timers = options.timers ?? node.timers;
  const system = { ...node, clock, timers, random: { next: () => 0.5 } };
  const repository = createMemoryInventoryRepository(createRecordClock(clock, () => undefined));
  const real = createInventoryService({
    repository,
    mutex: createKeyedMutex(),
    idempotencyTtlMs: 300_000,
    idempotencyKeysMax: options.idempotencyKeysMax ?? 1_000_000,
    reservationRetentionMs: 3_600_000,
  });
  const service = options.around?.(real) ?? real;
  const requests = createRequestMetrics();
  const admission = createTestAdmission(system, {
    behindProxy: options.trustProxy !== undefined,
    ...options.admission,
  });
  const { server, endWaiting } = createHttpApp({
    service,
    queries: createInventoryQueries(repository, service),
    feed: repository,
    central: createOwnSync(repository, system, options.aroundSource),
    now: () => repository.now(),
    system,
    admission,
    trustProxy: options.trustProxy,
    readiness: () => ({ ...WELL, ...options.readiness }),
    observe: createRequestObserver({
      logger: pino({ level: 'silent' }),
      metrics: requests,
      clock,
    }),
    outcomes: requests,
    metrics: metricsOf(clock, requests),
    mayResetMetrics: options.mayResetMetrics ?? true,
    version: '1.2.3',
    draining: () => draining,
    onInternalError: (error) => internalErrors.push(error),
    feedLimits: options.feedLimits,
    ...(options.limits !== undefined && { limits: options.limits }),
  });
  const port = await listen(server);
  onTestFinished(async () => {
    await shut(server);
    await repository.close();
  });

  const call: Edge['call'] = (method, path, body, headers) =>
    exchangeOne(port, method, path, body, headers);
  return {
    port,
    service,
    repository,
    admission,
    internalErrors,
    advance: (ms) => (elapsedMs += ms),
    drain: () => (draining = true),
    endWaiting,
    call,
    get: (path, headers) => call('GET', path, undefined, headers),
    post: (path, body, headers) => call('POST', path, body, headers),
    put: (path, body, headers) => call('PUT', path, body, headers),
    async stock(sku, onHand, storeId = STORE) {
      await real.execute({ type: 'CountStock', storeId, sku, onHand });
    },
  };
}

/** The path of one record of the store that `stock` fills. */
export function recordPath(sku: string, storeId = STORE): string {
  return `/api/inventory/stores/${storeId}/inventory/${encodeURIComponent(sku)}`;
}

/** The body is of this shape, and of no other. */
export function expectShape(schema: ZodType, value: unknown): void {
  expect(schema.safeParse(value).error?.issues ?? []).toEqual([]);
}

/** A problem document whose parts agree with each other; gives its code. */
export function expectProblem(reply: Reply, status: number, code: string): void {
  expect({ status: reply.status, code: reply.body?.code }).toEqual({ status, code });
  expect(reply.headers['content-type']).toBe('application/problem+json');
  expectShape(problemSchema, reply.body);
  expect(reply.body).toMatchObject({ status, type: `/problems/${code}` });
}

async function exchangeOne(
  port: number,
  method: string,
  path: string,
  body: unknown,
  headers: Headers = {},
): Promise<Reply> {
  const raw = typeof body === 'string' || Buffer.isBuffer(body);
  const bytes = body === undefined || raw ? body : JSON.stringify(body);
  const type = bytes === undefined ? {} : { 'Content-Type': 'application/json' };
  return await new Promise((resolve, reject) => {
    const request = send(
      { host: '127.0.0.1', port, method, path, headers: { ...type, ...headers }, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const json = response.headers['content-type']?.endsWith('json') === true;
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers as Reply['headers'],
            text,
            body: json && text !== '' ? (JSON.parse(text) as unknown) : undefined,
          });
        });
      },
    );
    request.on('error', reject);
    request.end(bytes);
  });
}
