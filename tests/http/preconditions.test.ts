import { describe, expect, it } from 'vitest';
import {
  type Edge,
  type Headers,
  type Reply,
  expectProblem,
  recordPath,
  startEdge,
} from '../support/http-edge.js';

const KNOWN = recordPath('KNOWN');
const UNKNOWN = recordPath('UNKNOWN');

/** KNOWN is at version 4, with 40 on hand and 1 held; UNKNOWN does not exist. */
async function atVersionFour(): Promise<{ edge: Edge; reservationId: string }> {
  const edge = await startEdge();
  await edge.stock('KNOWN', 10);
  const held = await edge.post(`${KNOWN}/reserve`, { qty: 1 });
  await edge.post(`${KNOWN}/adjust`, { delta: 10 });
  await edge.post(`${KNOWN}/adjust`, { delta: 20 });
  return { edge, reservationId: held.body.reservation.id };
}

const stale = ['"3"', '"5"', '"3", "5"', '"abc"', '""', '"04"', '"99999999999999999999"'];
const weak = ['W/"4"', 'W/"4", "3"'];
const malformed = [
  '4',
  '"4", x',
  '"4", *',
  '"4 "',
  '"4',
  '4"',
  '"4" "5"',
  'w/"4"',
  '*, "4"',
  '**',
  ',',
  '',
  "'4'",
  '"4";q=1',
];
const current = ['"4"', '"3", "4"', '"a,b", "4"', ' ,"4",, ', 'W/"9", "4"'];

describe('If-Match on the actions and the count of a record', () => {
  const actions: readonly (readonly [
    string,
    (edge: Edge, h: Headers, id: string) => Promise<Reply>,
  ])[] = [
    ['adjust', (edge, headers) => edge.post(`${KNOWN}/adjust`, { delta: 1 }, headers)],
    ['reserve', (edge, headers) => edge.post(`${KNOWN}/reserve`, { qty: 1 }, headers)],
    [
      'release',
      (edge, headers, id) => edge.post(`${KNOWN}/release`, { reservationId: id }, headers),
    ],
    ['count', (edge, headers) => edge.put(KNOWN, { onHand: 9 }, headers)],
  ];

  describe.each(actions)('%s', (_name, act) => {
    it.each([...current, '*'])('goes ahead with If-Match: %s', async (ifMatch) => {
      const { edge, reservationId } = await atVersionFour();
      const reply = await act(edge, { 'If-Match': ifMatch }, reservationId);
      expect(reply.status).toBeLessThan(300);
    });

    it('goes ahead where one of two If-Match headers names the version', async () => {
      const { edge, reservationId } = await atVersionFour();
      const reply = await act(edge, { 'If-Match': ['"3"', '"4"'] }, reservationId);
      expect(reply.status).toBeLessThan(300);
    });

    it.each([...stale, ...weak])(
      'is 412 with the current ETag with If-Match: %s',
      async (ifMatch) => {
        const { edge, reservationId } = await atVersionFour();

        const reply = await act(edge, { 'If-Match': ifMatch }, reservationId);

        expectProblem(reply, 412, 'precondition-failed');
        expect(reply.headers.etag).toBe('"4"');
        expect(reply.body.currentVersion).toBe(4);
        expect((await edge.get(KNOWN)).body.version).toBe(4);
      },
    );

    it.each(malformed)('is 400 with If-Match: %s', async (ifMatch) => {
      const { edge, reservationId } = await atVersionFour();
      const reply = await act(edge, { 'If-Match': ifMatch }, reservationId);
      expectProblem(reply, 400, 'validation-failed');
    });
  });

  it('is looked at after existence, and before expectedVersion and stock', async () => {
    const { edge } = await atVersionFour();
    const headers = { 'If-Match': '"3"' };

    const unknown = await edge.post(`${UNKNOWN}/reserve`, { qty: 1 }, headers);
    const version = await edge.post(`${KNOWN}/reserve`, { qty: 1, expectedVersion: 3 }, headers);
    const stock = await edge.post(`${KNOWN}/reserve`, { qty: 999 }, headers);

    expectProblem(unknown, 404, 'stock-not-found');
    expectProblem(version, 412, 'precondition-failed');
    expectProblem(stock, 412, 'precondition-failed');
  });

  it('is 412 without an ETag where a delivery would create the record', async () => {
    const { edge } = await atVersionFour();

    for (const ifMatch of ['"1"', '*']) {
      const reply = await edge.post(`${UNKNOWN}/adjust`, { delta: 1 }, { 'If-Match': ifMatch });
      expectProblem(reply, 412, 'precondition-failed');
      expect(reply.headers.etag).toBeUndefined();
      expect(reply.body.currentVersion).toBe(0);
    }
  });

  it('and an expectedVersion must not contradict each other', async () => {
    const { edge } = await atVersionFour();
    const reserve = (ifMatch: string, expectedVersion: number): Promise<Reply> =>
      edge.post(`${KNOWN}/reserve`, { qty: 1, expectedVersion }, { 'If-Match': ifMatch });
    const adjust = (ifMatch: string, expectedVersion: number): Promise<Reply> =>
      edge.post(`${KNOWN}/adjust`, { delta: 1, expectedVersion }, { 'If-Match': ifMatch });

    for (const act of [reserve, adjust]) {
      expectProblem(await act('"4"', 3), 400, 'validation-failed');
      expectProblem(await act('"3"', 4), 400, 'validation-failed');
      expectProblem(await act('*', 3), 409, 'version-conflict');
    }
    expect((await reserve('"4"', 4)).status).toBe(201);
    expect((await adjust('"5"', 5)).status).toBe(200);
  });
});

describe('a count', () => {
  it('without a precondition is 428, before anyone looks whether the record exists', async () => {
    const { edge } = await atVersionFour();

    for (const path of [KNOWN, UNKNOWN]) {
      const reply = await edge.put(path, { onHand: 1 });
      expectProblem(reply, 428, 'precondition-required');
    }
  });

  it('is 412 for an unknown record with If-Match, whatever it names', async () => {
    const { edge } = await atVersionFour();

    for (const ifMatch of ['"1"', '*']) {
      const reply = await edge.put(UNKNOWN, { onHand: 1 }, { 'If-Match': ifMatch });
      expectProblem(reply, 412, 'precondition-failed');
      expect(reply.headers.etag).toBeUndefined();
    }
  });

  it('with If-None-Match: * creates, and is 412 with the ETag for a known record', async () => {
    const { edge } = await atVersionFour();
    const headers = { 'If-None-Match': '*' };

    const created = await edge.put(UNKNOWN, { onHand: 1 }, headers);
    const known = await edge.put(KNOWN, { onHand: 1 }, headers);

    expect(created.status).toBe(201);
    expectProblem(known, 412, 'precondition-failed');
    expect(known.headers.etag).toBe('"4"');
  });

  it('with both preconditions is 412, since they never hold together', async () => {
    const { edge } = await atVersionFour();
    const headers = { 'If-None-Match': '*', 'If-Match': '"4"' };

    for (const path of [KNOWN, UNKNOWN]) {
      expectProblem(await edge.put(path, { onHand: 1 }, headers), 412, 'precondition-failed');
    }
  });

  it.each(['"4"', 'W/"4"', '4', ''])('is 400 with If-None-Match: %s', async (ifNoneMatch) => {
    const { edge } = await atVersionFour();
    const reply = await edge.put(KNOWN, { onHand: 1 }, { 'If-None-Match': ifNoneMatch });
    expectProblem(reply, 400, 'validation-failed');
  });
});

describe('reading a record', () => {
  it.each(['"4"', 'W/"4"', '"3", W/"4"', '"a,b","4"', '*'])(
    'is 304 without a body with If-None-Match: %s',
    async (ifNoneMatch) => {
      const { edge } = await atVersionFour();

      const reply = await edge.get(KNOWN, { 'If-None-Match': ifNoneMatch });

      expect(reply).toMatchObject({ status: 304, text: '' });
      expect(reply.headers).toMatchObject({ etag: '"4"', 'cache-control': 'no-cache' });
    },
  );

  it.each(['"3"', 'W/"5"', '"abc"', '"04"'])(
    'is 200 with If-None-Match: %s',
    async (ifNoneMatch) => {
      const { edge } = await atVersionFour();
      const reply = await edge.get(KNOWN, { 'If-None-Match': ifNoneMatch });
      expect(reply.status).toBe(200);
    },
  );

  it.each(['4', '"4', '', 'w/"4"', '"4" "3"'])(
    'is 400 with If-None-Match: %s, even of an unknown record',
    async (ifNoneMatch) => {
      const { edge } = await atVersionFour();
      for (const path of [KNOWN, UNKNOWN]) {
        const reply = await edge.get(path, { 'If-None-Match': ifNoneMatch });
        expectProblem(reply, 400, 'validation-failed');
      }
    },
  );

  it('is 412 with another If-Match, which comes before If-None-Match', async () => {
    const { edge } = await atVersionFour();

    const other = await edge.get(KNOWN, { 'If-Match': '"3"', 'If-None-Match': '"4"' });
    const weakTag = await edge.get(KNOWN, { 'If-Match': 'W/"4"' });
    const same = await edge.get(KNOWN, { 'If-Match': '"4"' });
    const any = await edge.get(KNOWN, { 'If-Match': '*', 'If-None-Match': '"4"' });

    for (const reply of [other, weakTag]) {
      expectProblem(reply, 412, 'precondition-failed');
      expect(reply.headers.etag).toBe('"4"');
    }
    expect(same.status).toBe(200);
    expect(any.status).toBe(304);
  });

  it('is 404 for an unknown record, whatever the precondition', async () => {
    const { edge } = await atVersionFour();

    for (const name of ['If-Match', 'If-None-Match']) {
      const reply = await edge.get(UNKNOWN, { [name]: '*' });
      expectProblem(reply, 404, 'stock-not-found');
    }
  });

  it('works the same with HEAD', async () => {
    const { edge } = await atVersionFour();

    const found = await edge.call('HEAD', KNOWN);
    const same = await edge.call('HEAD', KNOWN, undefined, { 'If-None-Match': '"4"' });

    expect(found).toMatchObject({ status: 200, text: '' });
    expect(found.headers).toMatchObject({ etag: '"4"', 'content-type': 'application/json' });
    expect(same.status).toBe(304);
  });
});

describe('a precondition that would mean nothing', () => {
  it('is refused, since to ignore it would be a protection not given', async () => {
    const { edge, reservationId } = await atVersionFour();
    const lines = [{ storeId: 'STORE001', sku: 'KNOWN', qty: 1 }];
    const requests: readonly (readonly [string, object])[] = [
      ['/api/reservations', { lines }],
      [`/api/reservations/${reservationId}/commit`, {}],
      [`/api/reservations/${reservationId}/release`, {}],
      [`/api/reservations/${reservationId}/extend`, { ttlMs: 1 }],
      ['/api/transfers', { from: 'STORE001', to: 'B', lines: [{ sku: 'KNOWN', qty: 1 }] }],
      [
        '/api/inventory/batch',
        { operations: [{ op: 'adjust', storeId: 'STORE001', sku: 'KNOWN', delta: 1 }] },
      ],
    ];

    for (const [path, body] of requests) {
      for (const name of ['If-Match', 'If-None-Match']) {
        expectProblem(await edge.post(path, body, { [name]: '"4"' }), 400, 'validation-failed');
      }
    }
    const adjusted = await edge.post(`${KNOWN}/adjust`, { delta: 1 }, { 'If-None-Match': '*' });
    expectProblem(adjusted, 400, 'validation-failed');
    expect((await edge.get(KNOWN)).body.version).toBe(4);
  });
});

describe('a list of sixteen thousand commas', () => {
  it('is judged at once', async () => {
    const { edge } = await atVersionFour();
    const startedAt = performance.now();

    for (const ifMatch of [','.repeat(14_000), ' '.repeat(14_000) + 'x', '"'.repeat(14_001)]) {
      const reply = await edge.get(KNOWN, { 'If-Match': ifMatch });
      expectProblem(reply, 400, 'validation-failed');
    }

    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});
