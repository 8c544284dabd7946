import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Edge, expectProblem, recordPath, startEdge } from '../support/http-edge.js';
import { exchange, lastRequest, request, statusesOf } from './raw-exchange.js';

const RECORD = recordPath('SKU123');
const STORE = '/api/inventory/stores/STORE001/inventory';
const json = { 'Content-Type': 'application/json' };

async function stocked(): Promise<Edge> {
  const edge = await startEdge();
  await edge.stock('SKU123', 100);
  return edge;
}

/** The request target as it is: a client library would tidy it. */
async function statusOf(edge: Edge, target: string): Promise<number | undefined> {
  const [status] = statusesOf(await exchange(edge.port, lastRequest(`GET ${target}`)));
  return status;
}

describe('a path', () => {
  const skus: Readonly<Record<string, readonly [sku: string, status: number]>> = {
    'that climbs': ['%2e%2e%2fetc', 400],
    'with a slash in a name': ['a%2fb', 400],
    'of two dots': ['%2e%2e', 400],
    'with a NUL': ['%00', 400],
    'with a line break': ['a%0d%0ab', 400],
    'that is not UTF-8': ['%E0%A4%A', 400],
    'that is cut off': ['%', 400],
    'named __proto__': ['__proto__', 400],
    'named constructor': ['constructor', 404],
    'named toString': ['toString', 404],
    'of 64 characters': ['x'.repeat(64), 404],
    'of 65 characters': ['x'.repeat(65), 400],
    'with a zero-width space': ['SKU%E2%80%8B123', 400],
    'written from right to left': ['%E2%80%AESKU123', 400],
    'with a letter that only looks like one': ['SKU12%D0%97', 400],
    'with a space at the end': ['SKU123%20', 400],
    'in lower case': ['sku123', 404],
    'with a plus, which is no space': ['SKU+123', 404],
    'with bytes above ASCII': ['SKU\u00e9', 400],
    'that ends in a slash': ['SKU123/', 404],
    'with an empty name': ['', 404],
  };

  it.each(Object.entries(skus))('%s', async (_name, [sku, status]) => {
    const edge = await stocked();
    expect(await statusOf(edge, `${STORE}/${sku}`)).toBe(status);
  });

  it('has the rules of a store id in its other place', async () => {
    const edge = await stocked();

    for (const storeId of ['%2e%2e', '__proto__', 'x'.repeat(65), 'A%20B', 'A+B', '%00']) {
      expect(await statusOf(edge, `/api/inventory/stores/${storeId}/inventory/SKU123`)).toBe(400);
      expect(await statusOf(edge, `/api/inventory/stores/${storeId}/inventory`)).toBe(400);
    }
    expect(await statusOf(edge, '/api/inventory/stores/store001/inventory/SKU123')).toBe(404);
  });

  it('has the rules of an id behind /api/reservations', async () => {
    const edge = await stocked();

    for (const id of ['%2e%2e%2f', '%00', 'x'.repeat(65), '__proto__', '%F0%9F%98%80']) {
      expect(await statusOf(edge, `/api/reservations/${id}`)).toBe(400);
    }
    expect(await statusOf(edge, '/api/reservations/constructor')).toBe(404);
  });

  it('matches exactly, or not at all', async () => {
    const edge = await stocked();
    const paths = [
      '/',
      '/api',
      '/API/health',
      '/api/Health',
      '/api/health/',
      '//api/health',
      '/api//health',
      '/api/health;a=b',
      '/api/inventory/stores/STORE001/Inventory/SKU123',
      '/api/inventory/stores/STORE001/inventory/',
      '/api/reservations/',
      '/api/inventory/skus/SKU123/',
      '/api/inventory/SKUs/SKU123',
      '/api/sync/',
      '/%61pi/health',
    ];

    for (const path of paths) {
      const reply = await edge.get(path);
      expectProblem(reply, 404, 'not-found');
    }
  });

  it('that is no path is answered, too', async () => {
    const edge = await stocked();

    for (const target of ['//[', 'http://[::1', 'http://a:b:c/', '*', 'x', '?', '#', '/#?#']) {
      const answer = await exchange(edge.port, lastRequest(`GET ${target}`));
      expect([400, 404], target).toContain(statusesOf(answer)[0]);
      expect(answer).toContain('application/problem+json');
    }
    const absolute = await exchange(edge.port, lastRequest(`GET http://elsewhere${RECORD}`));
    expect(statusesOf(absolute)).toEqual([200]);
  });

  it('with a fragment is no other path: 400', async () => {
    const edge = await stocked();

    for (const target of [`${RECORD}#1`, `${RECORD}?a=1#b`, '/api/health#', `${RECORD}/#`]) {
      const answer = await exchange(edge.port, lastRequest(`GET ${target}`));
      expect(statusesOf(answer), target).toEqual([400]);
      expect(answer).toContain('"validation-failed"');
    }
  });

  it('of 20 KB is 431, before it becomes a request', async () => {
    const edge = await stocked();
    expect(await statusOf(edge, `/${'x'.repeat(20_000)}`)).toBe(431);
  });
});

describe('a query', () => {
  it.each([
    'limit=-1',
    'limit=0',
    'limit=1001',
    'limit=1e9',
    'limit=1e2',
    'limit=NaN',
    'limit=',
    'limit',
    'limit=07',
    'limit=+7',
    'limit=7.0',
    'limit=0x7',
    'limit=%E2%85%A6',
    'limit=7&limit=7',
    'limit[]=7',
    'limit=7&unknown=1',
    'Limit=7',
    '__proto__=1',
    'constructor=1',
    'cursor=a&cursor=a',
    'limit=%',
    '%E0%A4%A=1',
  ])('of %s is refused by every list', async (query) => {
    const edge = await stocked();
    const lists = [
      STORE,
      `${RECORD}/events`,
      `${RECORD}/reservations`,
      '/api/reservations?reference=a',
    ];

    for (const list of lists) {
      const separator = list.includes('?') ? '&' : '?';
      const reply = await edge.get(list + separator + query);
      expectProblem(reply, 400, 'validation-failed');
    }
  });

  it('of 1, 1000, nothing, or encoded digits is taken', async () => {
    const edge = await stocked();

    for (const query of ['limit=1', 'limit=1000', '', '&', 'limit=%31']) {
      expect((await edge.get(`${STORE}?${query}`)).status).toBe(200);
    }
  });

  it('is refused where a path takes none', async () => {
    const edge = await stocked();
    const body = { lines: [{ storeId: 'STORE001', sku: 'SKU123', qty: 1 }] };
    const held = await edge.post('/api/reservations', body);
    const reservation = `/api/reservations/${held.body.reservation.id}`;
    const operations = [{ op: 'adjust', storeId: 'STORE001', sku: 'SKU123', delta: 1 }];
    const lines = [{ sku: 'SKU123', qty: 1 }];
    const requests: readonly (readonly [string, string, unknown])[] = [
      ['GET', RECORD, undefined],
      ['PUT', RECORD, { onHand: 5 }],
      ['POST', `${RECORD}/adjust`, { delta: 1 }],
      ['POST', `${RECORD}/reserve`, { qty: 1 }],
      ['POST', `${RECORD}/release`, { reservationId: held.body.reservation.id }],
      ['POST', '/api/reservations', body],
      ['GET', reservation, undefined],
      ['POST', `${reservation}/commit`, undefined],
      ['POST', `${reservation}/release`, undefined],
      ['POST', `${reservation}/extend`, { ttlMs: 1 }],
      ['POST', '/api/transfers', { from: 'STORE001', to: 'B', lines }],
      ['POST', '/api/inventory/batch', { operations }],
      ['GET', '/api/health', undefined],
      ['GET', '/api/health/liveness', undefined],
    ];

    for (const [method, path, sent] of requests) {
      const headers = method === 'PUT' ? { 'If-Match': '*' } : {};
      const reply = await edge.call(method, `${path}?unknown=1`, sent, headers);
      expectProblem(reply, 400, 'validation-failed');
    }
    expect(edge.repository.durableSequence()).toBe(2);
    expect((await edge.get(`${RECORD}?`)).status).toBe(200);
  });
});

describe('a body', () => {
  const bodies: Readonly<Record<string, readonly [string | Buffer, number, string]>> = {
    'of nothing': ['', 400, 'malformed-json'],
    'that is cut off': ['{"qty":1', 400, 'malformed-json'],
    'of a number': ['5', 400, 'validation-failed'],
    'of null': ['null', 400, 'validation-failed'],
    'of a list': ['[]', 400, 'validation-failed'],
    'of two objects': ['{"qty":1}{"qty":1}', 400, 'malformed-json'],
    'of 17 KB': [`{"qty":1,"reference":"${'x'.repeat(17_000)}"}`, 413, 'payload-too-large'],
    'that is not UTF-8': [
      Buffer.from('7b22717479223a312c22a0223a317d', 'hex'),
      400,
      'malformed-json',
    ],
    'with a BOM': ['\ufeff{"qty":1}', 400, 'malformed-json'],
    'with __proto__': ['{"qty":1,"__proto__":{}}', 400, 'validation-failed'],
    'with constructor': ['{"qty":1,"constructor":{}}', 400, 'validation-failed'],
    'with an extra member': ['{"qty":1,"version":1}', 400, 'validation-failed'],
    'with a member twice': ['{"qty":1,"qty":2}', 400, 'malformed-json'],
    '5000 levels deep': [
      `{"qty":${'['.repeat(5_000)}${']'.repeat(5_000)}}`,
      400,
      'validation-failed',
    ],
    'with 1e400': ['{"qty":1e400}', 400, 'validation-failed'],
    'with 2^53 + 1': ['{"qty":9007199254740993}', 400, 'validation-failed'],
    'with -0': ['{"qty":-0}', 400, 'validation-failed'],
    'with a lone surrogate': ['{"qty":1,"reference":"\\ud800"}', 400, 'validation-failed'],
    'without what is needed': ['{}', 400, 'validation-failed'],
    'with qty 0': ['{"qty":0}', 400, 'validation-failed'],
    'with qty -1': ['{"qty":-1}', 400, 'validation-failed'],
    'with qty 1.5': ['{"qty":1.5}', 400, 'validation-failed'],
    'with qty "1"': ['{"qty":"1"}', 400, 'validation-failed'],
    'with qty true': ['{"qty":true}', 400, 'validation-failed'],
    'with qty null': ['{"qty":null}', 400, 'validation-failed'],
    'with qty [1]': ['{"qty":[1]}', 400, 'validation-failed'],
    'with qty over the limit': ['{"qty":1000000001}', 400, 'validation-failed'],
    'with ttlMs 0': ['{"qty":1,"ttlMs":0}', 400, 'validation-failed'],
    'with ttlMs of more than a year': ['{"qty":1,"ttlMs":31536000001}', 400, 'validation-failed'],
    'with expectedVersion 0': ['{"qty":1,"expectedVersion":0}', 400, 'validation-failed'],
    'with an empty reference': ['{"qty":1,"reference":""}', 400, 'validation-failed'],
    'with a reference of 257': [
      `{"qty":1,"reference":"${'x'.repeat(257)}"}`,
      400,
      'validation-failed',
    ],
    'with a line break in a reference': ['{"qty":1,"reference":"a\\nb"}', 400, 'validation-failed'],
  };

  it.each(Object.entries(bodies))('%s', async (_name, [body, status, code]) => {
    const edge = await stocked();

    const reply = await edge.post(`${RECORD}/reserve`, body);

    expectProblem(reply, status, code);
    expect(edge.repository.durableSequence()).toBe(1);
  });

  it.each([
    ['none', {}],
    ['text/plain', { 'Content-Type': 'text/plain' }],
    ['a form', { 'Content-Type': 'application/x-www-form-urlencoded' }],
    ['latin1', { 'Content-Type': 'application/json; charset=latin1' }],
    ['utf-16', { 'Content-Type': 'application/json; charset=utf-16' }],
    ['gzip', { ...json, 'Content-Encoding': 'gzip' }],
  ])('of an unfit type: %s', async (_name, headers) => {
    const edge = await stocked();
    const bytes = lastRequest(`POST ${RECORD}/reserve`, headers, '{"qty":1}');

    expect(statusesOf(await exchange(edge.port, bytes))).toEqual([415]);
    expect(edge.repository.durableSequence()).toBe(1);
  });

  it('that says which members are at fault, and why, in plain words', async () => {
    const edge = await stocked();

    const { body } = await edge.post('/api/reservations', {
      lines: [
        { storeId: '..', sku: 'A', qty: 0 },
        { storeId: 'S', sku: ' ', qty: 'many', 'a/b~c': 1 },
      ],
      ttlMs: 1.5,
    });

    const letters = 'and begin with a letter or digit';
    expect(body.errors).toEqual([
      {
        pointer: '/lines/0/storeId',
        detail: `must be 1 to 64 letters, digits, '.', '_' or '-', ${letters}`,
      },
      { pointer: '/lines/0/qty', detail: 'must be at least 1' },
      {
        pointer: '/lines/1/sku',
        detail:
          "must be 1 to 64 letters, digits, spaces, '.', '_', ':', '+' or '-', " +
          'begin with a letter or digit and not end with a space',
      },
      { pointer: '/lines/1/qty', detail: 'must be a whole number' },
      { pointer: '/lines/1/a~1b~0c', detail: 'is not known here' },
      { pointer: '/ttlMs', detail: 'must be a whole number' },
    ]);
  });

  it.each<readonly [object, string, string]>([
    [{}, '/lines', 'is missing'],
    [{ lines: [] }, '/lines', 'must number at least 1'],
    [{ lines: {} }, '/lines', 'must be an array'],
    [{ lines: ['x'] }, '/lines/0', 'must be an object'],
    [{ lines: [{ storeId: 'S', sku: 7, qty: 1 }] }, '/lines/0/sku', 'must be a string'],
    [{ lines: Array.from({ length: 1_001 }) }, '/lines', 'must number at most 1000'],
  ])('%j: %s %s', async (sent, pointer, detail) => {
    const edge = await stocked();
    const { body } = await edge.post('/api/reservations', sent);
    expect(body.errors).toContainEqual({ pointer, detail });
  });

  it('with thousands of faults names some of them', async () => {
    const edge = await stocked();
    const unknown = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [`${'x'.repeat(100)}${index}`, 1]),
    );

    const faults = await edge.post('/api/inventory/batch', {
      operations: Array.from({ length: 5_000 }, () => ({ op: 'none' })),
    });
    const members = await edge.post('/api/inventory/batch', unknown);

    for (const reply of [faults, members]) {
      expectProblem(reply, 400, 'validation-failed');
      expect(reply.body.errors.length).toBe(20);
      expect(reply.text.length).toBeLessThan(4_000);
    }
  });

  it('may be as large as its route says', async () => {
    const edge = await stocked();
    const line = { storeId: 'STORE001', sku: 'SKU123', qty: 1 };
    const order = { lines: Array.from({ length: 1_000 }, () => line) };
    const spaces = ' '.repeat(256 * 1024);

    const large = await edge.post('/api/reservations', order);
    const tooLarge = await edge.post('/api/reservations', JSON.stringify(order) + spaces);
    const batch = await edge.post(
      '/api/inventory/batch',
      JSON.stringify({ operations: [{ op: 'adjust', ...line, qty: undefined, delta: 1 }] }) +
        spaces,
    );

    expectProblem(large, 422, 'insufficient-stock');
    expectProblem(tooLarge, 413, 'payload-too-large');
    expect(batch.status).toBe(200);
  });

  it.each(['commit', 'release'])('of nothing at all will do for a %s', async (action) => {
    const edge = await stocked();
    const lines = [{ storeId: 'STORE001', sku: 'SKU123', qty: 1 }];
    const held = await edge.post('/api/reservations', { lines });
    const path = `/api/reservations/${held.body.reservation.id}/${action}`;

    const empty = await edge.post(path, { lines: [] });
    const bare = await edge.post(path);

    expectProblem(empty, 400, 'validation-failed');
    expect(bare.status).toBe(200);
  });

  it('with a line break or a colour in a reason is stored as it is, escaped', async () => {
    const edge = await stocked();
    const reason = 'first line\nsecond\tline \u001b[31mred\u001b[0m "quoted" \u2028 \u{1f4e6}';

    const reply = await edge.post(`${RECORD}/adjust`, { delta: 1, reason });

    expect(reply.status).toBe(200);
    const history = await edge.get(`${RECORD}/events`);
    expect(history.body.items[0].reason).toBe(reason);
    for (const raw of ['\n', '\u001b']) expect(history.text).not.toContain(raw);
  });

  it('may have 256 characters in a reason, an emoji being one, and no NUL', async () => {
    const edge = await stocked();
    const adjust = (reason: string) => edge.post(`${RECORD}/adjust`, { delta: 1, reason });

    expect((await adjust('\u{1f4e6}'.repeat(256))).status).toBe(200);
    expectProblem(await adjust('\u{1f4e6}'.repeat(257)), 400, 'validation-failed');
    expectProblem(await adjust('a\u0000b'), 400, 'validation-failed');
  });
});

describe('a request line', () => {
  it('with a method that a path has not is 405, with those that it has', async () => {
    const edge = await stocked();
    const allowed: Readonly<Record<string, string>> = {
      [RECORD]: 'GET, HEAD, PUT',
      [`${RECORD}/adjust`]: 'POST',
      [`${RECORD}/reserve`]: 'POST',
      [`${RECORD}/release`]: 'POST',
      [STORE]: 'GET, HEAD',
      [`${RECORD}/events`]: 'GET, HEAD',
      [`${RECORD}/reservations`]: 'GET, HEAD',
      '/api/reservations': 'GET, HEAD, POST',
      '/api/reservations/x': 'GET, HEAD',
      '/api/reservations/x/commit': 'POST',
      '/api/reservations/x/release': 'POST',
      '/api/reservations/x/extend': 'POST',
      '/api/transfers': 'POST',
      '/api/inventory/batch': 'POST',
      '/api/health': 'GET, HEAD',
      '/api/health/liveness': 'GET, HEAD',
    };

    for (const [path, allow] of Object.entries(allowed)) {
      for (const method of ['DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'GET', 'HEAD', 'POST', 'PUT']) {
        if (allow.split(', ').includes(method)) continue;
        const reply = await edge.call(method, path);
        expect({ method, path, status: reply.status, allow: reply.headers.allow }).toEqual({
          method,
          path,
          status: 405,
          allow,
        });
        if (method !== 'HEAD') expectProblem(reply, 405, 'method-not-allowed');
      }
    }
  });

  it('with an unknown method is 400, and so are two Hosts', async () => {
    const edge = await stocked();

    const method = await exchange(edge.port, lastRequest(`FOO ${RECORD}`));
    const hosts = await exchange(
      edge.port,
      `GET ${RECORD} HTTP/1.1\r\nHost: a\r\nhost: b\r\nConnection: close\r\n\r\n`,
    );

    expect(statusesOf(method)).toEqual([400]);
    expect(statusesOf(hosts)).toEqual([400]);
    expect(hosts).toContain('/problems/validation-failed');
  });
});

describe('two requests in one packet', () => {
  it('are answered in their order', async () => {
    const edge = await stocked();
    const first = request(`POST ${RECORD}/reserve`, json, '{"qty":1}');
    const second = lastRequest(`GET ${RECORD}`);

    const answers = await exchange(edge.port, Buffer.concat([first, second]));

    expect(statusesOf(answers)).toEqual([201, 200]);
  });
});

describe('whatever comes', () => {
  it('never is our fault', { timeout: 60_000 }, async () => {
    const edge = await stocked();
    const name = fc.oneof(
      fc.constantFrom('SKU123', 'STORE001', '..', '__proto__', '%00', '%', 'a%2Fb', ''),
      fc.stringMatching(/^[aZ0 ._:+\-%/?&=#]{0,10}$/),
    );
    const action = fc.constantFrom('', '/adjust', '/reserve', '/release', '/events', '/x');
    const path = fc.oneof(
      fc
        .tuple(name, name, action)
        .map(([a, b, c]) => `/api/inventory/stores/${a}/inventory/${b}${c}`),
      fc.tuple(name, action).map(([id, c]) => `/api/reservations/${id}${c}`),
      fc.constantFrom('/api/reservations', '/api/transfers', '/api/inventory/batch', '/api/health'),
    );
    const member = fc.constantFrom(
      ...['qty', 'delta', 'onHand', 'lines', 'operations', 'reservationId', 'ttlMs', 'reason'],
      ...['expectedVersion', 'atomic', 'from', 'to', 'storeId', 'sku', 'op', '__proto__'],
    );
    const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.integer(), fc.constant('STORE001'));
    const body = fc.oneof(
      fc.dictionary(member, value, { maxKeys: 4 }).map((each) => JSON.stringify(each)),
      fc.string(),
    );
    const text = fc.stringMatching(/^["W/*, 1234abc\\=;\t\u00e9]{0,12}$/);
    const headers = fc.record(
      { 'If-Match': text, 'If-None-Match': text, 'Idempotency-Key': text, 'X-Request-Id': text },
      { requiredKeys: [] },
    );
    const method = fc.constantFrom('GET', 'HEAD', 'PUT', 'POST', 'POST', 'POST', 'DELETE');

    await fc.assert(
      fc.asyncProperty(method, path, headers, body, async (verb, target, given, sent) => {
        const head = { ...(json as Record<string, string>), ...given };
        const clean = target.replaceAll(/[ #]/g, '');
        const answer = await exchange(edge.port, lastRequest(`${verb} ${clean}`, head, sent));
        const [status = 0] = statusesOf(answer);
        expect(status, answer).toBeGreaterThanOrEqual(200);
        expect(status, answer).toBeLessThan(500);
      }),
      { numRuns: 600 },
    );
    expect(edge.internalErrors).toEqual([]);
  });
});
