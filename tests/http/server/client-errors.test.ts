import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ErrorRequestHandler } from 'express';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { handleClientErrors } from '../../../src/http/server/client-errors.js';
import { createExpressServer, type ExpressServer } from '../../../src/http/server/http-server.js';
import { createJsonBody } from '../../../src/http/json/json-body.js';
import { headFault } from '../../../src/http/server/request-head.js';
import { RequestError } from '../../../src/http/request-error.js';
import { createSystem } from '../../../src/system.js';
import {
  exchange,
  lastRequest,
  listen,
  request,
  sendThenRead,
  shut,
  statusesOf,
} from '../raw-exchange.js';

const json = { 'Content-Type': 'application/json' };

let express: ExpressServer;
let port: number;
let executed: unknown[];
let refused: number[];

beforeEach(async () => {
  executed = [];
  express = createExpressServer({
    headersTimeoutMs: 300,
    requestTimeoutMs: 600,
    connectionsCheckingIntervalMs: 50,
    keepAliveTimeoutMs: 800,
    stallTimeoutMs: 800,
    headerBytesMax: 16 * 1024,
  });
  refused = [];
  handleClientErrors(express.server, createSystem().clock, (status) => refused.push(status));
  express.app.use((req, _res, next) => next(headFault(req)));
  express.app.get('/', (_req, res) => void res.json({}));
  const jsonBody = createJsonBody(() => undefined);
  express.app.post('/', jsonBody({ limitBytes: 1024 }), (req, res) => {
    executed.push(req.body);
    res.json(req.body);
  });
  express.app.post('/slow', jsonBody({ limitBytes: 1024 }), async (req, res) => {
    await sleep(150);
    executed.push(req.body);
    res.json(req.body);
  });
  express.app.post('/begun', (_req, res) => void res.type('txt').write('begun'));
  express.app.all('/', (_req, _res, next) => {
    next(new RequestError('method-not-allowed', 'It does not.', { allow: ['GET', 'POST'] }));
  });
  const onError: ErrorRequestHandler = (error: RequestError, _req, res, _next) => {
    if (error.allow !== undefined) res.set('Allow', error.allow.join(', '));
    res.status(error.code === 'method-not-allowed' ? 405 : 400).json({ code: error.code });
  };
  express.app.use(onError);
  port = await listen(express.server);
});
afterEach(() => shut(express.server));

/** The one answer as a problem, checked for what every one of them must have. */
function problemIn(answer: string): { status: number; code: string } {
  expect(statusesOf(answer)).toHaveLength(1);
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  expect(head).toMatch(/^content-type: application\/problem\+json\r?$/im);
  expect(head).toMatch(/^connection: close\r?$/im);
  expect(head).toMatch(new RegExp(`^content-length: ${body.length}\\r?$`, 'im'));
  const problem = JSON.parse(body) as { type: string; title: string; status: number; code: string };
  expect(problem.type).toBe(`/problems/${problem.code}`);
  expect(problem.status).toBe(statusesOf(answer)[0]);
  expect(refused).toEqual([problem.status]);
  expect(head.split('\r\n')[0]).toBe(`HTTP/1.1 ${problem.status} ${problem.title}`);
  return { status: problem.status, code: problem.code };
}

describe('bytes that are no request are answered, and the connection is closed', () => {
  const head = 'POST / HTTP/1.1\r\nHost: inventory.test\r\nContent-Type: application/json\r\n';
  const notHttp: Readonly<Record<string, string>> = {
    'two Content-Length': `${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
    'two Content-Length that agree': `${head}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`,
    'Content-Length and Transfer-Encoding': `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    'Transfer-Encoding and Content-Length': `${head}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    'a Transfer-Encoding that does not end in chunked': `${head}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`,
    'a negative Content-Length': `${head}Content-Length: -1\r\n\r\n`,
    'a bad chunk': `${head}Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n`,
    'a chunk longer than it says': `${head}Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n`,
    'a method that does not exist': 'FOO / HTTP/1.1\r\nHost: inventory.test\r\n\r\n',
    'a version that does not exist': 'GET / HTTP/9.9\r\nHost: inventory.test\r\n\r\n',
    'a header without a colon': 'GET / HTTP/1.1\r\nHost: inventory.test\r\nbroken\r\n\r\n',
    'a space before a colon': 'GET / HTTP/1.1\r\nHost : inventory.test\r\n\r\n',
    'a header without a name': 'GET / HTTP/1.1\r\nHost: inventory.test\r\n: value\r\n\r\n',
    'a control character in a header': 'GET / HTTP/1.1\r\nHost: a\u0000b\r\n\r\n',
    'a TLS greeting': '\u0016\u0003\u0001\u0002\u0000\u0001\u0000',
  };
  it.each(Object.entries(notHttp))('%s: 400', async (_name, bytes) => {
    const answer = await exchange(port, Buffer.from(bytes, 'latin1'));

    expect(problemIn(answer)).toEqual({ status: 400, code: 'validation-failed' });
    expect(executed).toEqual([]);
  });

  it('20 KB of headers: 431', async () => {
    const answer = await exchange(port, request('GET /', { 'X-Long': 'x'.repeat(20_000) }));

    expect(problemIn(answer)).toEqual({ status: 431, code: 'headers-too-large' });
  });

  it('20 KB of URL: 431', async () => {
    const answer = await exchange(port, request(`GET /${'x'.repeat(20_000)}`));

    expect(problemIn(answer)).toEqual({ status: 431, code: 'headers-too-large' });
  });

  it('headers without end: 431, also to a client that reads after it has sent', async () => {
    const headers = request('GET /', { 'X-Long': 'x'.repeat(5 * 1024 * 1024) });

    const { answer, errors } = await sendThenRead(port, headers);

    expect(problemIn(answer).status).toBe(431);
    expect(errors).toEqual([]);
  });

  it('a tunnel that is asked for: 400', async () => {
    const answer = await exchange(port, [request('CONNECT elsewhere.test:443'), 'hello']);

    expect(problemIn(answer)).toEqual({ status: 400, code: 'validation-failed' });
  });

  it.each([
    ['at once', 0],
    ['once it was refused', 50],
  ])(
    'a tunnel whose client resets the connection %s: nothing of it stays',
    async (_when, afterMs) => {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      await new Promise((resolve) => socket.write(request('CONNECT elsewhere.test:443'), resolve));
      await sleep(afterMs);
      socket.resetAndDestroy();
      await sleep(50);

      expect(statusesOf(await exchange(port, lastRequest('GET /')))).toEqual([200]);
    },
  );

  it('chunk extensions without end: 413', async () => {
    const extended = `1;${'x'.repeat(20_000)}\r\n{\r\n`;

    const answer = await exchange(port, [
      request('POST /', { ...json, 'Transfer-Encoding': 'chunked' }),
      extended,
    ]);

    expect(problemIn(answer)).toEqual({ status: 413, code: 'payload-too-large' });
  });

  it('a body that ends early, from a client that still listens: 400', async () => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.end(request('POST /', { ...json, 'Content-Length': '20' }, '{}'));

    const received: Buffer[] = [];
    for await (const chunk of socket) received.push(chunk as Buffer);
    socket.end();

    expect(problemIn(Buffer.concat(received).toString()).status).toBe(400);
    expect(executed).toEqual([]);
  });
});

it.each([
  ['breaks off', (socket: Socket) => void socket.end()],
  ['never comes', () => undefined],
])(
  'a request that was answered before its body, which %s, is not answered again',
  async (_how, end) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const received: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => received.push(chunk));
    const closed = once(socket, 'close');
    socket.on('end', () => socket.end());
    socket.write(request('PUT /', { ...json, 'Content-Length': '20' }, '{'));
    await once(socket, 'data');
    end(socket);
    await closed;

    expect(statusesOf(Buffer.concat(received).toString())).toEqual([405]);
    expect(refused).toEqual([]);
  },
);

it('an answer that has begun is cut off, not followed by another', async () => {
  const answer = await exchange(
    port,
    [request('POST /begun', { 'Transfer-Encoding': 'chunked' }), 'xyz\r\n'],
    50,
  );

  expect(statusesOf(answer)).toEqual([200]);
  expect(answer).toMatch(/begun\r\n$/);
});

describe('what comes too slowly', () => {
  const trickle = (bytes: Buffer) => [...bytes].map((byte) => Buffer.of(byte));

  it('headers: 408', async () => {
    const answer = await exchange(port, trickle(request('GET /').subarray(0, -2)), 20);

    expect(problemIn(answer)).toEqual({ status: 408, code: 'request-timeout' });
  });

  it('a body: 408, and it is not executed when the rest arrives after all', async () => {
    const body = ['{"a":', '1', '}'];

    const answer = await exchange(
      port,
      [request('POST /', { ...json, 'Content-Length': '7' }), ...body],
      350,
    );

    expect(problemIn(answer)).toEqual({ status: 408, code: 'request-timeout' });
    expect(executed).toEqual([]);
  });

  it('nothing at all: closed without a word, as if it were idle between two requests', async () => {
    expect(await exchange(port, [])).toBe('');
    expect(refused).toEqual([]);
  });

  it('a first request, on a connection that was opened in advance: 200', async () => {
    expect(statusesOf(await exchange(port, ['', lastRequest('GET /')], 500))).toEqual([200]);
  });
});

describe('what Node leaves to us, or answers for us', () => {
  it('no Host: 400', async () => {
    const answer = await exchange(port, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n');

    expect(statusesOf(answer)).toEqual([400]);
    expect(answer).toContain('"validation-failed"');
  });

  it('no Host in HTTP/1.0: 200', async () => {
    expect(statusesOf(await exchange(port, 'GET / HTTP/1.0\r\n\r\n'))).toEqual([200]);
  });

  it.each([
    ['two Host headers', 'Host: a.test\r\nHost: b.test'],
    ['two Host headers that agree', 'Host: a.test\r\nhost: a.test'],
    ['a second Host far behind', `Host: a.test\r\n${'a:b\r\n'.repeat(2500)}HOST: b.test`],
  ])('%s: 400', async (_name, headers) => {
    const answer = await exchange(
      port,
      `GET / HTTP/1.1\r\n${headers}\r\nConnection: close\r\n\r\n`,
    );

    expect(statusesOf(answer)).toEqual([400]);
    expect(answer).toContain('"validation-failed"');
  });

  it('one Host, with others in forwarding headers: 200', async () => {
    const answer = await exchange(
      port,
      lastRequest('GET /', { 'X-Forwarded-Host': 'a.test', Hosts: 'x', Most: 'y' }),
    );

    expect(statusesOf(answer)).toEqual([200]);
  });

  it('a bogus Expect: 417, and neither it nor what follows is executed', async () => {
    const answer = await exchange(
      port,
      Buffer.concat([
        request('POST /', { ...json, Expect: 'the unexpected' }, '{"a":1}'),
        request('POST /', json, '{"a":2}'),
      ]),
    );

    expect(problemIn(answer)).toEqual({ status: 417, code: 'expectation-failed' });
    expect(executed).toEqual([]);
  });

  it('Expect: 100-continue: the body is asked for', async () => {
    const answer = await exchange(
      port,
      lastRequest('POST /', { ...json, Expect: '100-continue' }, '{"a":1}'),
    );

    expect(statusesOf(answer)).toEqual([100, 200]);
  });

  it('TRACE: reaches the routes, which refuse it like any other method', async () => {
    const answer = await exchange(port, lastRequest('TRACE /'));

    expect(statusesOf(answer)).toEqual([405]);
    expect(answer).toContain('Allow: GET, POST\r\n');
  });
});

describe('requests in front of a broken one', () => {
  const broken: Readonly<Record<string, string>> = {
    'bytes that are not HTTP': 'FOO / HTTP/1.1\r\n\r\n',
    'a body with a bad chunk':
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n' +
      'Transfer-Encoding: chunked\r\n\r\nxyz\r\n',
  };
  it.each(Object.entries(broken))('get their own answers, not that of %s', async (_name, bytes) => {
    const answer = await exchange(
      port,
      Buffer.concat([
        request('POST /slow', json, '{"n":1}'),
        request('POST /slow', json, '{"n":2}'),
        Buffer.from(bytes),
      ]),
    );

    expect(statusesOf(answer)).toEqual([200, 200, 400]);
    expect(executed).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('get their own answers when bytes follow a request that said it was the last', async () => {
    const answer = await exchange(
      port,
      Buffer.concat([lastRequest('POST /slow', json, '{"n":1}'), Buffer.from('more')]),
    );

    expect(statusesOf(answer)).toEqual([200]);
    expect(executed).toEqual([{ n: 1 }]);
  });

  it('get their own answers when the one behind them times out', async () => {
    const parts = [
      request('POST /slow', json, '{"n":1}'),
      request('POST /', { ...json, 'Content-Length': '9' }, '{'),
    ];

    expect(statusesOf(await exchange(port, parts))).toEqual([200, 408]);
    expect(executed).toEqual([{ n: 1 }]);
  });

  it('and requests behind it are never executed', async () => {
    const answer = await exchange(
      port,
      Buffer.concat([Buffer.from('FOO / HTTP/1.1\r\n\r\n'), request('POST /', json, '{"n":1}')]),
    );

    expect(statusesOf(answer)).toEqual([400]);
    expect(executed).toEqual([]);
  });
});

it('a connection that is reset is dropped in silence', async () => {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  await new Promise((resolve) => socket.write(request('POST /slow', json, '{"n":1}'), resolve));
  await sleep(50);
  socket.resetAndDestroy();
  await sleep(150);

  expect(executed).toEqual([{ n: 1 }]);
  expect(statusesOf(await exchange(port, lastRequest('GET /')))).toEqual([200]);
});
