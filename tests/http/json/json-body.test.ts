import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createExpressServer, type ExpressServer } from '../../../src/http/server/http-server.js';
import { createJsonBody } from '../../../src/http/json/json-body.js';
import { RequestError } from '../../../src/http/request-error.js';
import {
  exchange,
  lastRequest,
  listen,
  request,
  sendThenRead,
  shut,
  statusesOf,
} from '../raw-exchange.js';

const limitBytes = 1024;
/** Of what clients have sent of bodies that are not complete. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024;
const statuses = new Map([
  ['malformed-json', 400],
  ['validation-failed', 400],
  ['request-timeout', 408],
  ['payload-too-large', 413],
  ['unsupported-media-type', 415],
]);

const json = { 'Content-Type': 'application/json' };
const chunked = { ...json, 'Transfer-Encoding': 'chunked' };

let express: ExpressServer;
let port: number;
/** What reached the handler, and what reached the error handler. */
let handled: unknown[];
let refused: unknown[];
/** How often a reader has called on; Express itself hides a second time. */
let settled: number;
/** Refused because others have sent too much. */
let shed: number;

const counted =
  (reader: RequestHandler): RequestHandler =>
  (req, res, next) =>
    reader(req, res, (error?: unknown) => {
      settled += 1;
      next(error);
    });

beforeEach(async () => {
  handled = [];
  refused = [];
  settled = 0;
  shed = 0;
  express = createExpressServer();
  const jsonBody = createJsonBody(() => (shed += 1), KEPT_BYTES_MAX);
  const handle = express.app.post.bind(express.app);
  handle('/', counted(jsonBody({ limitBytes })), (req, res) => {
    handled.push(req.body);
    res.json(req.body);
  });
  handle('/optional', counted(jsonBody({ limitBytes, allowEmpty: true })), (req, res) => {
    handled.push(req.body);
    res.json(req.body);
  });
  handle('/large', counted(jsonBody({ limitBytes: 2 * 1024 * 1024 })), (req, res) => {
    handled.push(req.body);
    res.json({ members: Object.keys(req.body as object).length });
  });
  const onError: ErrorRequestHandler = (error: unknown, _req, res, _next) => {
    refused.push(error);
    const { code, errors } = error instanceof RequestError ? error : { code: '', errors: [] };
    res.status(statuses.get(code) ?? 500).json({ code, errors });
  };
  express.app.use(onError);
  port = await listen(express.server);
});
afterEach(() => shut(express.server));

async function post(body: string | Buffer, headers: Readonly<Record<string, string>> = json) {
  const answer = await exchange(port, lastRequest('POST /', headers, body));
  expect(settled).toBe(1);
  return { status: statusesOf(answer)[0], ...lastBodyOf(answer) };
}

function lastBodyOf(answer: string): { code?: string; errors?: { pointer: string }[] } {
  return JSON.parse(answer.slice(answer.lastIndexOf('\r\n\r\n') + 4)) as object;
}

function members(count: number, value = '0'): string {
  return Array.from({ length: count }, (_, nth) => `"m${nth}":${value}`).join();
}

describe('a JSON body is read', () => {
  const texts: Readonly<Record<string, string>> = {
    'of one member': '{"delta":-3}',
    'with white space': ' \r\n\t{ "a" : [ 1 , true , null ] } \n',
    'beyond ASCII': '{"reason":"größer 🏷️ \u2028"}',
    'with escapes': '{"a\\u0022:b":"\\u00fc \\ud83d\\ude00 \\\\ \\" : , {"}',
    'with an empty name': '{"":0}',
    'with colons in strings': '{"a:b":"10:30","c":[":","::"],"d":{"::":1}}',
    'with the largest integers': '{"a":9007199254740991,"b":-9007199254740991}',
    'with fractions': '{"a":1.5,"b":-0.25,"c":1e3,"d":15e-1}',
    'with integers that have a point':
      '{"a":1.0,"b":1.50e1,"c":100e-2,"d":0.0,"e":"0.99999999999999999999"}',
    'with names that objects have': '{"constructor":1,"toString":2,"hasOwnProperty":3}',
    'with the same name in different objects': '{"a":{"a":1},"b":[{"a":1},{"a":2}]}',
    'of 16 levels': `{"a":${'['.repeat(15)}${']'.repeat(15)}}`,
    'as long as the limit': `{"a":"${'x'.repeat(limitBytes - 8)}"}`,
  };

  it.each(Object.entries(texts))('%s', async (_name, text) => {
    const answer = await exchange(port, lastRequest('POST /', json, text));

    expect(statusesOf(answer)).toEqual([200]);
    expect(handled).toEqual([JSON.parse(text)]);
  });

  const types = [
    'application/json',
    'APPLICATION/JSON',
    'application/json;charset=utf-8',
    'application/json; charset=UTF-8',
    'application/json ; Charset="utf-8"',
    'application/json;',
  ];
  it.each(types)('with the type %s', async (type) => {
    expect(await post('{}', { 'Content-Type': type })).toEqual({ status: 200 });
  });

  it.each(['identity', 'Identity', ''])('with the content encoding "%s"', async (encoding) => {
    expect(await post('{}', { ...json, 'Content-Encoding': encoding })).toEqual({ status: 200 });
  });

  it('in chunks of one byte, each in a packet of its own', async () => {
    const text = '{"reason":"größer"}';
    const bytes = [...request('POST /', { ...json, Connection: 'close' }, text)];

    const answer = await exchange(
      port,
      bytes.map((byte) => Buffer.of(byte)),
      1,
    );

    expect(statusesOf(answer)).toEqual([200]);
    expect(handled).toEqual([{ reason: 'größer' }]);
  });

  it('in HTTP chunks of one byte', async () => {
    const text = `{"reason":"größer ${'x'.repeat(500)}"}`;
    const chunks = [...Buffer.from(text)].map((byte) =>
      Buffer.concat([Buffer.from('1\r\n'), Buffer.of(byte), Buffer.from('\r\n')]),
    );

    const answer = await exchange(port, [
      request('POST /', { ...chunked, Connection: 'close' }),
      ...chunks,
      '0\r\n\r\n',
    ]);

    expect(statusesOf(answer)).toEqual([200]);
    expect(handled).toEqual([JSON.parse(text)]);
  });

  it('when it is much larger than a packet', async () => {
    const items = Array.from({ length: 50_000 }, (_, nth) => `{"item-${nth}":${nth}}`);
    const text = `{"items":[${items.join()}]}`;

    const answer = await exchange(port, lastRequest('POST /large', json, text));

    expect(statusesOf(answer)).toEqual([200]);
    expect(handled).toEqual([JSON.parse(text)]);
  });

  it('once for each of several requests in one packet, in their order', async () => {
    const answer = await exchange(
      port,
      Buffer.concat([
        request('POST /', json, '{"n":1}'),
        request('POST /', json, '{"n":2}'),
        lastRequest('POST /', json, '{"n":3}'),
      ]),
    );

    expect(statusesOf(answer)).toEqual([200, 200, 200]);
    expect(handled).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });
});

describe('a body that is not one is refused', () => {
  const malformed: Readonly<Record<string, string | Buffer>> = {
    nothing: '',
    'white space': ' \n',
    'cut off': '{"a":1',
    'two values': '{}{}',
    'a comment': '{/**/}',
    'a trailing comma': '{"a":1,}',
    NaN: '{"a":NaN}',
    'a leading zero': '{"a":01}',
    'a control character in a string': '{"a":"\u0001"}',
    'a byte order mark': '\ufeff{}',
    'UTF-16': Buffer.from('{"a":1}', 'utf16le'),
    latin1: Buffer.from('{"a":"größer"}', 'latin1'),
    'a byte that is never in UTF-8': Buffer.from([...Buffer.from('{"a":"'), 0xff, 0x22, 0x7d]),
    'an overlong form': Buffer.from([...Buffer.from('{"a":"'), 0xc0, 0xaf, 0x22, 0x7d]),
    'a surrogate in UTF-8': Buffer.from([...Buffer.from('{"a":"'), 0xed, 0xa0, 0x80, 0x22, 0x7d]),
    'a character cut in half': Buffer.from([...Buffer.from('{"a":"'), 0xc3]),
    'one name twice': '{"qty":1,"qty":2}',
    'one name twice, once escaped': '{"qty":1,"\\u0071ty":2}',
    'one name twice, deep inside': '{"lines":[{"sku":"a:b","sku":"a:b"}]}',
    'one name twice, in an array': '{"a":[{},{"b":"\\":","b":"\\":"}]}',
  };
  it.each(Object.entries(malformed))('%s', async (_name, body) => {
    expect(await post(body)).toEqual({ status: 400, code: 'malformed-json' });
  });

  it('nothing, without a type', async () => {
    expect(await post('', {})).toEqual({ status: 400, code: 'malformed-json' });
  });

  const invalid: readonly (readonly [string, string, string])[] = [
    ['a number', '5', ''],
    ['null', 'null', ''],
    ['a string', '"text"', ''],
    ['an array', '[]', ''],
    ['__proto__', '{"__proto__":{"qty":1}}', '/__proto__'],
    ['__proto__ as no object', '{"__proto__":1}', '/__proto__'],
    ['__proto__ escaped', '{"a":{"\\u005f_proto__":{}}}', '/a/__proto__'],
    ['__proto__ in an array', '{"a":[0,{"__proto__":null}]}', '/a/1/__proto__'],
    ['negative zero', '{"a":{"b":-0}}', '/a/b'],
    ['negative zero as a fraction', '{"a":-0.0e5}', '/a'],
    ['a negative number too small to be one', '{"a":-1e-400}', '/a'],
    ['a number beyond the finite', '{"a":[1,1e400]}', '/a/1'],
    ['a negative number beyond the finite', '{"a":-1e400}', '/a'],
    ['2^53', '{"a":9007199254740992}', '/a'],
    ['a fraction that is rounded up to 1', '{"a":0.99999999999999999999}', ''],
    ['one that is rounded down', '{"a":"1.5","b":[1000000000.0000000001]}', ''],
    ['one that is far behind the point', `{"a":1.${'0'.repeat(900)}1}`, ''],
    ['one that an exponent makes', '{"a":99999999999999999999e-20}', ''],
    ['2^53 + 1', '{"a":9007199254740993}', '/a'],
    ['-2^53', '{"a":-9007199254740992}', '/a'],
    ['an integer with an exponent', '{"a":1e300}', '/a'],
    ['a lone surrogate', '{"a":"\\ud800"}', '/a'],
    ['a lone low surrogate', '{"a":["x","\\udc00x"]}', '/a/1'],
    ['surrogates in the wrong order', '{"a":"\\ude00\\ud83d"}', '/a'],
    ['a lone surrogate in a name', '{"a":{"\\ud800":1}}', '/a'],
    ['17 levels', `{"a":${'['.repeat(16)}${']'.repeat(16)}}`, `/a${'/0'.repeat(15)}`],
    ['names with marks of a pointer', '{"a/b":{"m~n":-0}}', '/a~1b/m~0n'],
  ];
  it.each(invalid)('%s', async (_name, body, pointer) => {
    const { status, code, errors } = await post(body);

    expect({ status, code }).toEqual({ status: 400, code: 'validation-failed' });
    expect(errors?.map((error) => error.pointer)).toEqual([pointer]);
  });

  it('a fraction as long as a batch, which takes no longer than to read it', async () => {
    const long = `{"a":1.${'0'.repeat(1_900_000)}1}`;

    const answer = await exchange(port, lastRequest('POST /large', json, long));

    expect(lastBodyOf(answer).code).toBe('validation-failed');
  });

  it('5000 levels, on every kind of limit', async () => {
    const deep = `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`;

    const answer = await exchange(port, lastRequest('POST /large', json, deep));

    expect(statusesOf(answer)).toEqual([400]);
    expect(lastBodyOf(answer).code).toBe('validation-failed');
  });

  it.each([
    ['an object with 65 members', `{"a":{${members(65)}}}`, /64 members/],
    ['65 members of the body itself', `{${members(65)}}`, /64 members/],
    ['65 members with objects between them', `{${members(65, '{"b":[]}')}}`, /64 members/],
  ])('%s', async (_name, body, detail) => {
    const answer = await post(body);

    expect(answer).toMatchObject({ status: 400, code: 'validation-failed' });
    expect(answer.errors).toEqual([{ pointer: '', detail: expect.stringMatching(detail) }]);
  });

  it.each([
    ['numbers', `[${'1,'.repeat(250_001)}1]`],
    ['empty arrays', `[${'[],'.repeat(250_000)}1]`],
    ['empty objects', `[${'{},'.repeat(250_000)}1]`],
    ['levels', `${'['.repeat(250_001)}${']'.repeat(250_001)}`],
  ])('a quarter of a million %s, unparsed', async (_name, many) => {
    const parse = vi.spyOn(JSON, 'parse');
    const answer = await exchange(port, lastRequest('POST /large', json, `{"a":${many}}`));
    const parsed = parse.mock.calls.filter(([text]) => text.length > 1_000);
    parse.mockRestore();

    expect(statusesOf(answer)).toEqual([400]);
    expect(answer).toMatch(/more than 250000 values/);
    expect(parsed).toEqual([]);
  });

  it('and one that is refused leaves no trace on other objects', async () => {
    await post('{"__proto__":{"polluted":true}}');

    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('a type that is not JSON is refused', () => {
  const headers: readonly Readonly<Record<string, string>>[] = [
    {},
    { 'Content-Type': '' },
    { 'Content-Type': 'text/plain' },
    { 'Content-Type': 'application/jsonp' },
    { 'Content-Type': 'application/json-patch+json' },
    { 'Content-Type': 'text/json' },
    { 'Content-Type': 'application/x-www-form-urlencoded' },
    { 'Content-Type': 'application/json, text/plain' },
    { 'Content-Type': 'application/json; charset=latin1' },
    { 'Content-Type': 'application/json; charset=utf-16' },
    { 'Content-Type': 'application/json; charset="utf-8' },
    { 'Content-Type': 'application/json; charset=utf-8; charset=latin1' },
    { 'Content-Type': 'application/json; profile="x"' },
    { ...json, 'Content-Encoding': 'gzip' },
    { ...json, 'Content-Encoding': 'identity, gzip' },
    { ...json, 'Content-Encoding': 'br' },
  ];
  it.each(headers)('%j', async (given) => {
    expect(await post('{}', given)).toEqual({ status: 415, code: 'unsupported-media-type' });
  });

  it('and its body is read over, so that the next request is understood', async () => {
    const answer = await exchange(
      port,
      Buffer.concat([
        request('POST /', { 'Content-Type': 'text/plain' }, 'POST / HTTP/1.1\r\n\r\n'),
        request('POST /', json, '{"broken"'),
        request('POST /', { ...json, 'Content-Encoding': 'gzip' }, Buffer.from([0x1f, 0x8b, 8])),
        lastRequest('POST /', json, '{"n":2}'),
      ]),
    );

    expect(statusesOf(answer)).toEqual([415, 400, 415, 200]);
    expect(handled).toEqual([{ n: 2 }]);
  });
});

describe('a body that may be absent', () => {
  it.each([
    ['when it is', {}, ''],
    ['when its length is 0', { 'Content-Length': '0' }, ''],
    ['when it has no chunks', { 'Transfer-Encoding': 'chunked' }, '0\r\n\r\n'],
    ['when it is an empty object', json, '{}'],
  ])('counts as {} %s', async (_name, headers, body) => {
    const answer = await exchange(port, lastRequest('POST /optional', headers, body));

    expect(statusesOf(answer)).toEqual([200]);
    expect(handled).toEqual([{}]);
  });

  it.each([
    ['empty, with a type that says it is JSON', json, '', 400],
    ['empty, with another type', { 'Content-Type': 'text/plain' }, '', 415],
    ['not empty, without a type', {}, '{}', 415],
    ['in chunks, without a type', { 'Transfer-Encoding': 'chunked' }, '2\r\n{}\r\n0\r\n\r\n', 415],
    ['broken', json, '{', 400],
  ])('is refused when it is %s', async (_name, headers, body, status) => {
    const answer = await exchange(port, lastRequest('POST /optional', headers, body));

    expect(statusesOf(answer)).toEqual([status]);
    expect(handled).toEqual([]);
  });
});

describe('bodies that clients do not complete', () => {
  it('are refused once they take too much memory together, small ones never', async () => {
    const head = request('POST /large', { ...json, 'Content-Length': '2000000' });
    const sockets = Array.from({ length: 12 }, () => connect(port, '127.0.0.1'));
    let answers = '';
    for (const socket of sockets) {
      socket
        .on('error', () => undefined)
        .on('data', (chunk) => {
          answers += String(chunk);
        });
      socket.write(head);
      socket.write(`{"a":"${'x'.repeat(600_000)}`);
    }
    // Each takes 0.6 to 1.2 MB: three at the least have room, and all twelve have not.
    await vi.waitFor(() => expect(refused.length).toBeGreaterThanOrEqual(5));

    expect(refused.length).toBeLessThan(10);
    for (const error of refused) expect(error).toMatchObject({ code: 'overloaded' });
    expect(shed).toBe(refused.length);
    expect(await statusOf('POST /', '{}')).toBe(200);
    expect(await statusOf('POST /large', `{"a":"${'x'.repeat(900_000)}"}`)).toBe(500);
    expect(answers.match(/^connection: close\r$/gim)?.length).toBeGreaterThanOrEqual(5);

    for (const socket of sockets) socket.destroy();
    await vi.waitFor(() => expect(settled).toBe(14));
    expect(await statusOf('POST /large', `{"a":"${'x'.repeat(900_000)}"}`)).toBe(200);
  });

  async function statusOf(line: string, body: string): Promise<number | undefined> {
    return statusesOf(await exchange(port, lastRequest(line, json, body)))[0];
  }
});

describe('a body beyond the limit', () => {
  it('is refused by its Content-Length before any of it has come', async () => {
    const head = request('POST /', { ...json, 'Content-Length': String(limitBytes + 1) });

    const answer = await exchange(port, head);

    expect(statusesOf(answer)).toEqual([413]);
    expect(answer).toMatch(/^connection: close\r$/im);
  });

  it('is refused in chunks as soon as the limit is passed', async () => {
    const answer = await exchange(port, [
      request('POST /', chunked),
      `400\r\n${'x'.repeat(0x400)}\r\n`,
      '1\r\nx\r\n',
      '1\r\nx\r\n',
      '0\r\n\r\n',
    ]);

    expect(statusesOf(answer)).toEqual([413]);
    expect(answer).toMatch(/^connection: close\r$/im);
    expect(handled).toEqual([]);
    expect(settled).toBe(1);
  });

  it('is refused once, however much follows', async () => {
    const body = Buffer.alloc(8 * 1024 * 1024, 'x');

    const answer = await exchange(port, request('POST /', json, body));

    expect(statusesOf(answer)).toEqual([413]);
    expect(settled).toBe(1);
  });

  it('reaches a client that reads only after it has sent everything', async () => {
    const body = Buffer.alloc(5 * 1024 * 1024, 'x');

    const { answer, errors } = await sendThenRead(port, request('POST /', json, body));

    expect(statusesOf(answer)).toEqual([413]);
    expect(errors).toEqual([]);
  });

  it('ends the connection: a request behind it is never executed', async () => {
    const large = Buffer.alloc(limitBytes + 1, 'x');

    const answer = await exchange(
      port,
      Buffer.concat([request('POST /', json, large), request('POST /', json, '{"n":2}')]),
    );

    expect(statusesOf(answer)).toEqual([413]);
    expect(handled).toEqual([]);
  });

  it('is answered after the requests before it', async () => {
    const large = Buffer.alloc(limitBytes + 1, 'x');

    const answer = await exchange(
      port,
      Buffer.concat([request('POST /', json, '{"n":1}'), request('POST /', json, large)]),
    );

    expect(statusesOf(answer)).toEqual([200, 413]);
  });
});

describe('a client that goes away', () => {
  async function abandon(bytes: Buffer, leave: 'destroy' | 'resetAndDestroy' | 'end') {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    await new Promise((resolve) => socket.write(bytes, resolve));
    await sleep(20);
    socket[leave]();
    await sleep(50);
  }

  it.each(['destroy', 'resetAndDestroy', 'end'] as const)(
    'in the middle of its body (%s) never reaches the handler, and settles once',
    async (leave) => {
      await abandon(request('POST /', { ...json, 'Content-Length': '20' }, '{"a":1}'), leave);

      expect(handled).toEqual([]);
      expect(refused).toMatchObject([{ code: 'request-timeout' }]);
      expect(settled).toBe(1);
    },
  );

  it('in the middle of a chunk never reaches the handler, and settles once', async () => {
    const head = request('POST /', chunked);
    await abandon(Buffer.concat([head, Buffer.from('7\r\n{"a":1}\r\n')]), 'destroy');

    expect(handled).toEqual([]);
    expect(refused).toMatchObject([{ code: 'request-timeout' }]);
    expect(settled).toBe(1);
  });

  it('before its body, or after a refusal, settles once', async () => {
    await abandon(request('POST /', { ...json, 'Content-Length': '20' }), 'destroy');
    await abandon(request('POST /', { ...json, 'Content-Length': '9999' }, 'xx'), 'destroy');

    expect(handled).toEqual([]);
    expect(refused).toMatchObject([{ code: 'request-timeout' }, { code: 'payload-too-large' }]);
    expect(settled).toBe(2);
  });

  it('after its body settles once, with the body', async () => {
    await abandon(request('POST /', json, '{"a":1}'), 'destroy');

    expect(handled).toEqual([{ a: 1 }]);
    expect(settled).toBe(1);
  });
});
