import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { UnavailableError } from '../../src/domain/errors.js';
import { httpLimits } from '../../src/http/server/http-server.js';
import { PROBLEMS, type ProblemCode } from '../../src/http/problem.js';
import { connectionProblemSchemas, problemSchema } from '../../src/http/schemas/problem-schemas.js';
import {
  type Edge,
  type EdgeOptions,
  expectShape,
  recordPath,
  startEdge,
} from '../support/http-edge.js';
import { exchange, request } from './raw-exchange.js';

const RECORD = recordPath('SKU123');
const ADJUST = `${RECORD}/adjust`;
const RESERVE = `${RECORD}/reserve`;

interface Provocation {
  readonly options?: EdgeOptions;
  /** The edge has 10 units of SKU123, at version 1; gives what came back. */
  readonly provoke: (edge: Edge) => Promise<Provoked>;
}

interface Provoked {
  readonly status: number;
  readonly body: { readonly code: string };
}
/** Answered by connections only, and so not in the table. */
type ConnectionCode = 'headers-too-large';

const unavailable = (code: 'storage-unavailable' | 'lock-contended'): Provocation => ({
  options: {
    around: (real) => ({
      ...real,
      execute: () => Promise.reject(new UnavailableError(code, 1_000)),
    }),
  },
  provoke: (edge) => edge.post(RESERVE, { qty: 1 }),
});

async function reserved(edge: Edge): Promise<string> {
  const { body } = await edge.post(RESERVE, { qty: 4 });
  return `/api/reservations/${body.reservation.id}`;
}

/** What a connection was told that sent these bytes. */
async function rawAnswer(edge: Edge, bytes: Buffer): Promise<Provoked> {
  const answer = await exchange(edge.port, bytes);
  const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(answer) ?? [];
  return { status: Number(status), body: JSON.parse(answer.split('\r\n\r\n')[1] ?? '') };
}

const plain = (provoke: Provocation['provoke']): Provocation => ({ provoke });

const provocations: Readonly<Record<ProblemCode | ConnectionCode, Provocation>> = {
  'malformed-json': plain((edge) => edge.post(ADJUST, '{')),
  'validation-failed': plain((edge) => edge.post(ADJUST, { delta: 0 })),
  'not-found': plain((edge) => edge.get('/api/nothing')),
  'stock-not-found': plain((edge) => edge.get(recordPath('SKU9'))),
  'dead-letter-not-found': plain((edge) => edge.post('/api/sync/dead-letters/local-9/retry')),
  'aggregate-behind': plain((edge) => edge.get('/api/inventory/skus/SKU123?minSequence=9')),
  'reservation-not-found': plain((edge) => edge.get('/api/reservations/R9')),
  'method-not-allowed': plain((edge) => edge.call('DELETE', RECORD)),
  'not-acceptable': plain((edge) => edge.get('/api/events', { Accept: 'text/html' })),
  'request-timeout': {
    options: {
      limits: { ...httpLimits, headersTimeoutMs: 100, connectionsCheckingIntervalMs: 20 },
    },
    provoke: (edge) => rawAnswer(edge, request(`GET ${RECORD}`).subarray(0, -2)),
  },
  'version-conflict': plain((edge) => edge.post(ADJUST, { delta: 1, expectedVersion: 9 })),
  'reservation-not-active': plain(async (edge) => {
    const path = await reserved(edge);
    await edge.post(`${path}/commit`);
    return await edge.post(`${path}/release`);
  }),
  'position-ahead': plain((edge) => edge.get('/api/events?after=2')),
  'precondition-failed': plain((edge) => edge.post(ADJUST, { delta: 1 }, { 'If-Match': '"9"' })),
  'payload-too-large': plain((edge) => edge.post(ADJUST, `{"reason":"${'x'.repeat(20_000)}"}`)),
  'uri-too-long': plain((edge) => edge.get(`/api/${'x'.repeat(8_000)}`)),
  'unsupported-media-type': plain((edge) =>
    edge.post(ADJUST, 'delta=1', { 'Content-Type': 'text/plain' }),
  ),
  'expectation-failed': plain((edge) => edge.get(RECORD, { Expect: 'the unexpected' })),
  'insufficient-stock': plain((edge) => edge.post(RESERVE, { qty: 11 })),
  'below-reserved': plain(async (edge) => {
    await reserved(edge);
    return await edge.put(RECORD, { onHand: 3 }, { 'If-Match': '*' });
  }),
  'same-store': plain((edge) =>
    edge.post('/api/transfers', { from: 'S1', to: 'S1', lines: [{ sku: 'SKU123', qty: 1 }] }),
  ),
  'reservation-exceeded': plain(async (edge) => {
    const lines = [{ storeId: 'STORE001', sku: 'SKU123', qty: 5 }];
    return await edge.post(`${await reserved(edge)}/commit`, { lines });
  }),
  'quantity-overflow': plain(async (edge) => {
    await edge.stock('FULL', Number.MAX_SAFE_INTEGER);
    return await edge.post(`${recordPath('FULL')}/adjust`, { delta: 1 });
  }),
  'idempotency-key-reused': plain(async (edge) => {
    await edge.post(RESERVE, { qty: 1 }, { 'Idempotency-Key': 'K' });
    return await edge.post(RESERVE, { qty: 2 }, { 'Idempotency-Key': 'K' });
  }),
  'precondition-required': plain((edge) => edge.put(RECORD, { onHand: 1 })),
  'headers-too-large': plain((edge) =>
    rawAnswer(edge, request(`GET ${RECORD}`, { 'X-Long': 'x'.repeat(20_000) })),
  ),
  'rate-limited': {
    options: { admission: { limit: { perSecond: 1, burst: 1 } } },
    provoke: async (edge) => {
      await edge.get(RECORD);
      return await edge.get(RECORD);
    },
  },
  internal: {
    options: { around: (real) => ({ ...real, execute: () => Promise.reject(new Error('no')) }) },
    provoke: (edge) => edge.post(RESERVE, { qty: 1 }),
  },
  overloaded: {
    options: { idempotencyKeysMax: 0 },
    provoke: (edge) => edge.post(RESERVE, { qty: 1 }, { 'Idempotency-Key': 'K' }),
  },
  'lock-contended': unavailable('lock-contended'),
  'storage-unavailable': unavailable('storage-unavailable'),
  'shutting-down': plain(async (edge) => {
    edge.drain();
    return await edge.get(RECORD);
  }),
};

describe('every code of a problem', () => {
  it.each(Object.entries(provocations))('is answered: %s', async (code, { options, provoke }) => {
    const edge = await startEdge(options);
    await edge.stock('SKU123', 10);

    const { status, body } = await provoke(edge);

    const expected = code === 'headers-too-large' ? 431 : PROBLEMS[code as ProblemCode][0];
    expect({ status, code: body.code }).toEqual({ status: expected, code });
    // answer-watch.ts looks at all answers but those to what never became a request.
    const short = connectionProblemSchemas.get(status);
    expectShape(short === undefined ? problemSchema : z.union([problemSchema, short]), body);
  });

  it('is in the table', () => {
    const known = Object.keys(provocations);

    expect(known.filter((code) => code !== 'headers-too-large').sort()).toEqual(
      Object.keys(PROBLEMS).sort(),
    );
  });
});
