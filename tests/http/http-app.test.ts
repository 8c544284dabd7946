import { describe, expect, it } from 'vitest';
import { InvariantViolation } from '../../src/assert.js';
import { type UnavailableCode, UnavailableError } from '../../src/domain/errors.js';
import { problemOf, statusOf } from '../../src/http/problem.js';
import { healthSchema, livenessSchema } from '../../src/http/schemas/response-schemas.js';
import { expectProblem, expectShape, recordPath, startEdge } from '../support/http-edge.js';
import { exchange, request, sendThenRead, statusesOf } from './raw-exchange.js';

const RESERVE = `${recordPath('SKU123')}/reserve`;
const json = { 'Content-Type': 'application/json' };

describe('health', () => {
  it('says how long the service has been up, what time it is and its version', async () => {
    const edge = await startEdge();
    edge.advance(61_250);

    const reply = await edge.get('/api/health');

    expect(reply.status).toBe(200);
    expectShape(healthSchema, reply.body);
    expect(reply.body).toEqual({
      status: 'ok',
      uptime: 61.25,
      timestamp: '2025-11-03T09:31:01.250Z',
      version: '1.2.3',
    });
    expect(reply.headers['cache-control']).toBe('no-cache');
  });

  it('as liveness says only that the loop turns', async () => {
    const edge = await startEdge();

    const reply = await edge.get('/api/health/liveness');

    expectShape(livenessSchema, reply.body);
    expect(reply.status).toBe(200);
  });
});

describe('the id of a request', () => {
  it('is the one that the client gave, in the answer and in a problem', async () => {
    const edge = await startEdge();

    for (const id of ['a', 'trace 1: "x" ~', 'x'.repeat(128)]) {
      const reply = await edge.post(RESERVE, { qty: 1 }, { 'X-Request-Id': id });
      expect(reply.headers['x-request-id']).toBe(id);
      expect(reply.body.requestId).toBe(id);
    }
  });

  it.each([
    ['nothing', {}],
    ['an empty one', { 'X-Request-Id': '' }],
    ['129 characters', { 'X-Request-Id': 'x'.repeat(129) }],
    ['one with a tab', { 'X-Request-Id': 'a\tb' }],
    ['one beyond ASCII', { 'X-Request-Id': 'caf\u00e9' }],
  ])('is a new one for %s', async (_name, headers) => {
    const edge = await startEdge();

    const first = await edge.get('/api/health', headers);
    const second = await edge.get('/api/health', headers);

    const ids = [first, second].map((reply) => reply.headers['x-request-id']);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    expect(ids[0]).not.toBe(ids[1]);
  });

  it('is in every answer, whatever its status', async () => {
    const edge = await startEdge();
    const headers = { 'X-Request-Id': 'mine' };

    const replies = [
      await edge.get('/nothing', headers),
      await edge.call('DELETE', RESERVE, undefined, headers),
      await edge.post(RESERVE, 'x', headers),
      await edge.post(RESERVE, 'x'.repeat(20_000), headers),
      await edge.post(RESERVE, '{}', { ...headers, 'Content-Type': 'text/plain' }),
      await edge.get('/api/inventory/stores/%E0%A4%A/inventory/x', headers),
    ];

    expect(replies.map(({ status }) => status)).toEqual([404, 405, 400, 413, 415, 400]);
    for (const reply of replies) expect(reply.headers['x-request-id']).toBe('mine');
  });
});

describe('HEAD', () => {
  it('answers wherever GET does, with the same headers and no body', async () => {
    const edge = await startEdge();
    await edge.stock('SKU123', 5);
    const held = await edge.post(RESERVE, { qty: 1, reference: 'order-7' });
    const paths = [
      recordPath('SKU123'),
      recordPath('NONE'),
      '/api/inventory/stores/STORE001/inventory',
      `${recordPath('SKU123')}/events`,
      `${recordPath('SKU123')}/reservations`,
      '/api/reservations?reference=order-7',
      `/api/reservations/${held.body.reservation.id}`,
      '/api/health',
      '/nothing',
    ];

    for (const path of paths) {
      const id = { 'X-Request-Id': 'same' };
      const get = await edge.get(path, id);
      const head = await edge.call('HEAD', path, undefined, id);
      const moving = { date: '', ratelimit: '' };
      expect({ ...head, headers: { ...head.headers, ...moving } }).toEqual({
        ...get,
        headers: { ...get.headers, ...moving },
        text: '',
        body: undefined,
      });
    }
  });
});

describe('a failure that nobody foresaw', () => {
  it('is 500, says nothing of itself to the client, and is reported once', async () => {
    const defect = new InvariantViolation('the one rule: /srv/inventory/events');
    const edge = await startEdge({
      around: (real) => ({ ...real, execute: () => Promise.reject(defect) }),
    });

    const reply = await edge.post(RESERVE, { qty: 1 }, { 'X-Request-Id': 'mine' });

    expectProblem(reply, 500, 'internal');
    expect(reply.body).toEqual({
      type: '/problems/internal',
      title: 'Something failed on our side',
      status: 500,
      detail: 'The failure has been logged with the requestId.',
      instance: RESERVE,
      code: 'internal',
      requestId: 'mine',
    });
    expect(edge.internalErrors).toEqual([defect]);
  });
});

describe('what cannot be done at the moment', () => {
  it.each(['storage-unavailable', 'overloaded', 'shutting-down'] as const)(
    'is 503 with a time to wait that is spread: %s',
    async (code) => {
      const edge = await startEdge({
        around: (real) => ({
          ...real,
          execute: () => Promise.reject(new UnavailableError(code, 10_000)),
        }),
      });

      const reply = await edge.post(RESERVE, { qty: 1 });

      expectProblem(reply, 503, code);
      // Between one and two times what was asked for; the test's dice show a half.
      expect(reply.headers['retry-after']).toBe('15');
      expect(edge.internalErrors).toEqual([]);
    },
  );

  it('is 503 for every code there is', () => {
    const codes: Readonly<Record<UnavailableCode, true>> = {
      'storage-unavailable': true,
      'lock-contended': true,
      overloaded: true,
      'shutting-down': true,
      'aggregate-behind': true,
    };

    for (const code of Object.keys(codes) as UnavailableCode[]) {
      const problem = problemOf(new UnavailableError(code, 10_000), { next: () => 0 });
      expect(problem).toMatchObject({ code, headers: ['Retry-After', '10'] });
      expect(statusOf(problem)).toBe(503);
    }
  });

  it('waits a second at least', async () => {
    const edge = await startEdge({
      around: (real) => ({
        ...real,
        execute: () => Promise.reject(new UnavailableError('overloaded', 1)),
      }),
    });

    expect((await edge.post(RESERVE, { qty: 1 })).headers['retry-after']).toBe('1');
  });
});

describe('while it drains', () => {
  it('turns everything away but health, and closes each connection', async () => {
    const edge = await startEdge();
    await edge.stock('SKU123', 5);
    edge.drain();

    const replies = [
      await edge.get(recordPath('SKU123')),
      await edge.post(RESERVE, { qty: 1 }),
      await edge.get('/nothing'),
    ];
    const health = await edge.get('/api/health');
    const liveness = await edge.get('/api/health/liveness');

    for (const reply of replies) {
      expectProblem(reply, 503, 'shutting-down');
      expect(reply.headers.connection).toBe('close');
      expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0);
    }
    expect([health.status, liveness.status]).toEqual([200, 200]);
    expect(edge.repository.durableSequence()).toBe(1);
  });

  it('does not execute what follows on the same connection', async () => {
    const edge = await startEdge();
    await edge.stock('SKU123', 5);
    edge.drain();
    const one = request(`POST ${RESERVE}`, json, '{"qty":1}');

    const answers = await exchange(edge.port, Buffer.concat([one, one, one]));

    expect(statusesOf(answers)).toEqual([503]);
    expect(edge.repository.durableSequence()).toBe(1);
  });

  it('answers a client that reads only after it has sent its whole body', async () => {
    const edge = await startEdge();
    edge.drain();
    const body = Buffer.alloc(5 * 1024 * 1024, 'x');

    const { answer, errors } = await sendThenRead(
      edge.port,
      request(`POST ${RESERVE}`, json, body),
    );

    expect(statusesOf(answer)).toEqual([503]);
    expect(errors).toEqual([]);
  });

  it('finishes what it had begun, as the last answer of its connection', async () => {
    let begin: () => void = () => undefined;
    let finish: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const mayFinish = new Promise<void>((resolve) => (finish = resolve));
    const edge = await startEdge({
      around: (real) => ({
        ...real,
        async execute(command, keyed) {
          begin();
          await mayFinish;
          return await real.execute(command, keyed);
        },
      }),
    });
    await edge.stock('SKU123', 5);

    const answers = exchange(edge.port, request(`POST ${RESERVE}`, json, '{"qty":1}'));
    await begun;
    edge.drain();
    finish();

    expect(statusesOf(await answers)).toEqual([201]);
    expect(await answers).toContain('Connection: close');
  });
});

describe('an answer', () => {
  it('is never kept by a cache without asking', async () => {
    const edge = await startEdge();
    await edge.stock('SKU123', 5);

    const read = await edge.get(recordPath('SKU123'));
    const written = await edge.post(RESERVE, { qty: 1 });
    const refused = await edge.post(RESERVE, { qty: 9 });
    const unknown = await edge.get(recordPath('NONE'));

    const rules = [read, written, refused, unknown].map(({ headers }) => headers['cache-control']);
    expect(rules).toEqual(['no-cache', 'no-store', 'no-store', 'no-store']);
  });

  it('says nothing of what it was made with', async () => {
    const edge = await startEdge();
    const { headers } = await edge.get('/nothing');
    expect(Object.keys(headers).sort()).toEqual([
      'cache-control',
      'connection',
      'content-length',
      'content-type',
      'date',
      'ratelimit',
      'ratelimit-policy',
      'x-request-id',
    ]);
  });
});

describe('what was sent behind each other and executed while the server drains', () => {
  it('is all answered: the last answer says that the connection closes', async () => {
    let open!: () => void;
    const gate = new Promise<void>((resolve) => (open = resolve));
    let begun = 0;
    const edge = await startEdge({
      around: (real) => ({
        ...real,
        async execute(command, keyed) {
          begun += 1;
          await gate;
          return await real.execute(command, keyed);
        },
      }),
    });
    await edge.stock('SKU123', 5);
    const write = request(`POST ${recordPath('SKU123')}/adjust`, json, '{"delta":1}');
    const answers = exchange(edge.port, Buffer.concat([write, write, write]));
    await expect.poll(() => begun).toBe(3);
    edge.drain();
    open();
    const received = await answers;
    expect(statusesOf(received)).toEqual([200, 200, 200]);
    expect(received.split('Connection: close')).toHaveLength(2);
  });
});
