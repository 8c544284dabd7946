import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { UnavailableError } from '../../src/domain/errors.js';
import { keyDigest } from '../../src/http/idempotency-key.js';
import {
  type Edge,
  type Reply,
  expectProblem,
  recordPath,
  startEdge,
} from '../support/http-edge.js';

const SKU = 'SKU123';
const RESERVE = `${recordPath(SKU)}/reserve`;

function keyed(key: string): { 'Idempotency-Key': string } {
  return { 'Idempotency-Key': key };
}

/** The same answer, but for the id of this very request. */
function expectReplay(replay: Reply, first: Reply): void {
  expect(replay.text).toBe(first.text);
  expect(replay.status).toBe(first.status);
  const { 'x-request-id': _first, ratelimit: _left, ...firstHeaders } = first.headers;
  const { 'x-request-id': _replay, ratelimit: _less, ...rest } = replay.headers;
  const { 'idempotent-replayed': replayed, ...headers } = rest;
  expect(replayed).toBe('true');
  expect(first.headers['idempotent-replayed']).toBeUndefined();
  expect(headers).toEqual({ ...firstHeaders, date: expect.any(String) });
  expect(replay.headers['x-request-id']).not.toBe(first.headers['x-request-id']);
}

/** SKU123 has 100 on hand, 10 of them held by the returned reservation. */
async function stocked(): Promise<{ edge: Edge; reservationId: string }> {
  const edge = await startEdge();
  await edge.stock(SKU, 100);
  const held = await edge.post(RESERVE, { qty: 10, ttlMs: 60_000 });
  return { edge, reservationId: held.body.reservation.id };
}

type Write = readonly [method: string, path: (id: string) => string, body: (id: string) => unknown];

const line = { storeId: 'STORE001', sku: SKU, qty: 2 };
const writes: Readonly<Record<string, Write>> = {
  adjust: ['POST', () => `${recordPath(SKU)}/adjust`, () => ({ delta: 3, reason: 'a "b" \u00e9' })],
  reserve: ['POST', () => RESERVE, () => ({ qty: 2, ttlMs: 5_000, reference: 'order-7' })],
  'release of a line': [
    'POST',
    () => `${recordPath(SKU)}/release`,
    (reservationId) => ({ reservationId, qty: 1 }),
  ],
  count: ['PUT', () => recordPath(SKU), () => ({ onHand: 50 })],
  order: ['POST', () => '/api/reservations', () => ({ lines: [line, line] })],
  commit: ['POST', (id) => `/api/reservations/${id}/commit`, () => ({ lines: [line] })],
  'commit of all': ['POST', (id) => `/api/reservations/${id}/commit`, () => undefined],
  release: ['POST', (id) => `/api/reservations/${id}/release`, () => ({})],
  extend: ['POST', (id) => `/api/reservations/${id}/extend`, () => ({ ttlMs: 9_000 })],
  transfer: [
    'POST',
    () => '/api/transfers',
    () => ({ from: 'STORE001', to: 'STORE002', lines: [{ sku: SKU, qty: 4 }] }),
  ],
  batch: [
    'POST',
    () => '/api/inventory/batch',
    () => ({ operations: [{ op: 'reserve', ...line }] }),
  ],
};

/** The same write with more than there is, or of a reservation that nobody knows. */
const refused: Readonly<Record<string, Write>> = {
  adjust: ['POST', () => `${recordPath(SKU)}/adjust`, () => ({ delta: -500 })],
  reserve: ['POST', () => RESERVE, () => ({ qty: 95 })],
  'release of a line': [
    'POST',
    () => `${recordPath(SKU)}/release`,
    () => ({ reservationId: 'nope' }),
  ],
  count: ['PUT', () => recordPath(SKU), () => ({ onHand: 1 })],
  order: ['POST', () => '/api/reservations', () => ({ lines: [{ ...line, qty: 95 }] })],
  commit: ['POST', () => `/api/reservations/nope/commit`, () => undefined],
  extend: ['POST', () => `/api/reservations/nope/extend`, () => ({ ttlMs: 9_000 })],
  transfer: [
    'POST',
    () => '/api/transfers',
    () => ({ from: 'STORE001', to: 'STORE001', lines: [{ sku: SKU, qty: 4 }] }),
  ],
  batch: [
    'POST',
    () => '/api/inventory/batch',
    () => ({ operations: [{ op: 'reserve', ...line, qty: 95 }] }),
  ],
};

function send(edge: Edge, [method, path, body]: Write, id: string, key: string): Promise<Reply> {
  const condition = method === 'PUT' ? { 'If-Match': '*' } : {};
  return edge.call(method, path(id), body(id), { ...condition, ...keyed(key) });
}

describe('a write that comes again with its key', () => {
  it.each(Object.entries(writes))('is answered as before: %s', async (_name, write) => {
    const { edge, reservationId } = await stocked();

    const first = await send(edge, write, reservationId, 'key-1');
    edge.advance(1_000);
    const events = edge.repository.durableSequence();
    const again = await send(edge, write, reservationId, 'key-1');

    expect(first.status).toBeLessThan(300);
    expectReplay(again, first);
    expect(edge.repository.durableSequence()).toBe(events);
  });

  it.each(Object.entries(refused))('is refused as before: %s', async (_name, write) => {
    const { edge, reservationId } = await stocked();

    const first = await send(edge, write, reservationId, 'key-1');
    edge.advance(1_000);
    const again = await send(edge, write, reservationId, 'key-1');

    expect(first.status).toBeGreaterThanOrEqual(400);
    const { 'retry-after': _, ...headers } = first.headers;
    expectReplay(
      { ...again, headers: { ...again.headers, 'retry-after': undefined } },
      { ...first, headers: { ...headers, 'retry-after': undefined } },
    );
    expect(again.body.requestId).toBe(first.headers['x-request-id']);
  });

  it('stays refused after there is enough: a new decision needs a new key', async () => {
    const { edge } = await stocked();
    const first = await edge.post(RESERVE, { qty: 95 }, keyed('key-1'));
    await edge.post(`${recordPath(SKU)}/adjust`, { delta: 100 });

    const again = await edge.post(RESERVE, { qty: 95 }, keyed('key-1'));
    const fresh = await edge.post(RESERVE, { qty: 95 }, keyed('key-2'));

    expect(again.text).toBe(first.text);
    expect(fresh.status).toBe(201);
  });

  it('is told how long to wait from now, not from then', async () => {
    const { edge } = await stocked();
    const first = await edge.post(RESERVE, { qty: 95 }, keyed('key-1'));
    edge.advance(20_000);

    const again = await edge.post(RESERVE, { qty: 95 }, keyed('key-1'));

    expect([first, again].map(({ headers }) => headers['retry-after'])).toEqual(['60', '40']);
  });

  it('may differ in the order of its members, in its spaces and in its encoding', async () => {
    const { edge } = await stocked();
    await edge.stock('BANK CHARGES', 5);
    const first = await edge.post(RESERVE, '{"qty":2,"reference":"é"}', keyed('key-1'));
    const path = '/api/inventory/stores/STORE001/inventory';

    const again = await edge.post(
      RESERVE,
      ' { "reference" : "\\u00e9" , "qty" : 2 } ',
      keyed('key-1'),
    );
    const encoded = await edge.post(
      `${path}/%42ANK%20CHARGES/adjust`,
      { delta: 1 },
      keyed('key-1'),
    );
    const otherwise = await edge.post(
      `${path}/BANK%20CHARGES/adjust`,
      { delta: 1 },
      keyed('key-1'),
    );

    expectReplay(again, first);
    expectReplay(otherwise, encoded);
  });

  it('with other contents is 422, and the first answer stays', async () => {
    const { edge } = await stocked();
    const first = await edge.post(RESERVE, { qty: 2 }, keyed('key-1'));

    const body = await edge.post(RESERVE, { qty: 3 }, keyed('key-1'));
    const more = await edge.post(RESERVE, { qty: 2, ttlMs: 1 }, keyed('key-1'));
    const condition = await edge.post(RESERVE, { qty: 2 }, { ...keyed('key-1'), 'If-Match': '*' });
    const again = await edge.post(RESERVE, { qty: 2 }, keyed('key-1'));

    for (const reply of [body, more, condition]) {
      expectProblem(reply, 422, 'idempotency-key-reused');
      expect(reply.body.requestId).toBe(reply.headers['x-request-id']);
    }
    expectReplay(again, first);
  });

  it('counts the preconditions of a PUT to its contents', async () => {
    const edge = await startEdge();
    const put = (condition: Record<string, string>): Promise<Reply> =>
      edge.put(recordPath('NEW'), { onHand: 1 }, { ...keyed('key-1'), ...condition });
    const first = await put({ 'If-None-Match': '*' });

    expectReplay(await put({ 'If-None-Match': '*' }), first);
    expectProblem(await put({ 'If-Match': '*' }), 422, 'idempotency-key-reused');
  });

  it('on another path is another key', async () => {
    const { edge } = await stocked();
    await edge.stock('OTHER', 100);

    const replies = [
      await edge.post(RESERVE, { qty: 2 }, keyed('key-1')),
      await edge.post(`${recordPath('OTHER')}/reserve`, { qty: 2 }, keyed('key-1')),
      await edge.put(recordPath(SKU), { onHand: 70 }, { ...keyed('key-1'), 'If-Match': '*' }),
    ];

    for (const reply of replies) {
      expect(reply.status).toBeLessThan(300);
      expect(reply.headers['idempotent-replayed']).toBeUndefined();
    }
  });

  it('after its retention is a new one', async () => {
    const { edge } = await stocked();
    const first = await edge.post(RESERVE, { qty: 2 }, keyed('key-1'));

    edge.advance(299_999);
    expectReplay(await edge.post(RESERVE, { qty: 2 }, keyed('key-1')), first);

    edge.advance(1);
    const later = await edge.post(RESERVE, { qty: 2 }, keyed('key-1'));
    expect(later.status).toBe(201);
    expect(later.body.reservation.id).not.toBe(first.body.reservation.id);
  });
});

describe('what a key is known by', () => {
  const scope = { caller: '', method: 'POST', path: '/api/transfers' };

  it('differs with the caller, the method, the path and the key', () => {
    const digests = [
      keyDigest(scope, 'a'),
      keyDigest({ ...scope, caller: 'shop' }, 'a'),
      keyDigest({ ...scope, method: 'PUT' }, 'a'),
      keyDigest({ ...scope, path: '/api/reservations' }, 'a'),
      keyDigest(scope, 'b'),
    ];

    expect(new Set(digests).size).toBe(5);
  });

  it('is 128 bits of SHA-256 in base64url', () => {
    for (let index = 0; index < 200; index += 1) {
      const digest = keyDigest(scope, `key-${index}`);
      const text = `\nPOST\n/api/transfers\nkey-${index}`;
      const expected = createHash('sha256').update(text).digest().subarray(0, 16);
      expect(digest).toBe(expected.toString('base64url'));
    }
  });
});

describe('fifty duplicates at once', () => {
  it('have one effect and one answer', async () => {
    const { edge } = await stocked();
    const before = edge.repository.durableSequence();

    const replies = await Promise.all(
      Array.from({ length: 50 }, () => edge.post(RESERVE, { qty: 2 }, keyed('key-1'))),
    );

    expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([201]));
    const originals = replies.filter(({ headers }) => headers['idempotent-replayed'] === undefined);
    expect(originals).toHaveLength(1);
    expect(edge.repository.durableSequence()).toBe(before + 1);
  });
});

describe('the header Idempotency-Key', () => {
  it('means the same with and without quotes', async () => {
    const { edge } = await stocked();
    const first = await edge.post(RESERVE, { qty: 2 }, keyed('key "1" \\ a'));

    const quoted = await edge.post(RESERVE, { qty: 2 }, keyed('"key \\"1\\" \\\\ a"'));

    expectReplay(quoted, first);
  });

  it('may have up to 255 characters, the quotes not counted', async () => {
    const { edge } = await stocked();

    for (const key of ['x'.repeat(255), `"${'y'.repeat(255)}"`, '~', 'a, b']) {
      expect((await edge.post(RESERVE, { qty: 1 }, keyed(key))).status).toBe(201);
    }
  });

  it.each([
    ['is empty', ''],
    ['is empty between quotes', '""'],
    ['has 256 characters', 'x'.repeat(256)],
    ['has 256 characters between quotes', `"${'x'.repeat(256)}"`],
    ['is not ASCII', 'caf\u00e9'],
    ['has a tab', 'a\tb'],
    ['has no closing quote', '"abc'],
    ['has two strings', '"a", "b"'],
    ['has a parameter', '"a";q=1'],
    ['has an unknown escape', '"a\\b"'],
  ])('is 400 where it %s', async (_name, key) => {
    const { edge } = await stocked();

    const reply = await edge.post(RESERVE, { qty: 1 }, keyed(key));

    expectProblem(reply, 400, 'validation-failed');
    expect(edge.repository.durableSequence()).toBe(2);
  });

  it('is 400 where it comes twice, even with the same key', async () => {
    const { edge } = await stocked();

    for (const keys of [
      ['a', 'b'],
      ['a', 'a'],
    ]) {
      const reply = await edge.post(RESERVE, { qty: 1 }, { 'Idempotency-Key': keys });
      expectProblem(reply, 400, 'validation-failed');
    }
  });

  it('means nothing to a read', async () => {
    const { edge } = await stocked();

    const reply = await edge.get(recordPath(SKU), { 'Idempotency-Key': ['', 'a'] });

    expect(reply.status).toBe(200);
  });
});

describe('a key', () => {
  it('is still free after 400 and 428', async () => {
    const { edge } = await stocked();
    const key = keyed('key-1');

    const invalid = await edge.post(RESERVE, { qty: 0 }, key);
    const valid = await edge.post(RESERVE, { qty: 1 }, key);
    const missing = await edge.put(recordPath(SKU), { onHand: 50 }, key);
    const given = await edge.put(recordPath(SKU), { onHand: 50 }, { ...key, 'If-Match': '*' });

    expectProblem(invalid, 400, 'validation-failed');
    expect(valid.status).toBe(201);
    expectProblem(missing, 428, 'precondition-required');
    expect(given.status).toBe(200);
  });

  it('is still free after 503: the retry executes', async () => {
    let isFull = true;
    const edge = await startEdge({
      around: (real) => ({
        ...real,
        async execute(command, request) {
          if (isFull) throw new UnavailableError('storage-unavailable', 2_000);
          return await real.execute(command, request);
        },
      }),
    });
    await edge.stock(SKU, 5);

    const full = await edge.post(RESERVE, { qty: 1 }, keyed('key-1'));
    isFull = false;
    const room = await edge.post(RESERVE, { qty: 1 }, keyed('key-1'));

    expectProblem(full, 503, 'storage-unavailable');
    expect(full.headers['retry-after']).toBe('3');
    expect(room.status).toBe(201);
    expect(room.headers['idempotent-replayed']).toBeUndefined();
  });

  it('more than are kept is 503, and those that are kept still answer', async () => {
    const edge = await startEdge({ idempotencyKeysMax: 1 });
    await edge.stock(SKU, 5);
    const first = await edge.post(RESERVE, { qty: 1 }, keyed('key-1'));

    const more = await edge.post(RESERVE, { qty: 1 }, keyed('key-2'));
    const again = await edge.post(RESERVE, { qty: 1 }, keyed('key-1'));
    const without = await edge.post(RESERVE, { qty: 1 });

    expectProblem(more, 503, 'overloaded');
    expect(Number(more.headers['retry-after'])).toBeGreaterThan(0);
    expectReplay(again, first);
    expect(without.status).toBe(201);
  });
});
