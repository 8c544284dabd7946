import { createServer, type Server } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type Response,
} from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createExpressServer, httpLimits } from '../../../src/http/server/http-server.js';
import { exchange, lastRequest, listen, request, shut, statusesOf } from '../raw-exchange.js';

setFlagsFromString('--allow-natives-syntax');
/** Whether the engine holds two objects to be of one shape: what it learns of one serves the other. */
const haveSameShape = runInNewContext('(one, other) => %HaveSameMap(one, other)') as (
  one: object,
  other: object,
) => boolean;

describe('the objects that Express is given', () => {
  /** Requests like each other, each seen when it arrives and again in its route. */
  async function observe(app: Express, server: Server) {
    const arrived: object[][] = [];
    const routed: object[][] = [];
    const objects: [Request, Response][] = [];
    const prototypes = (...of: object[]) => of.map((each) => Object.getPrototypeOf(each) as object);
    server.prependListener('request', (req, res) => arrived.push(prototypes(req, res)));
    app.get('/', (req, res) => {
      routed.push(prototypes(req, res));
      objects.push([req, res]);
      res.json({ query: req.query });
    });
    const port = await listen(server);
    // The engine settles on a class's shape after its first few objects.
    for (let nth = 0; nth < 10; nth += 1) await exchange(port, lastRequest('GET /?a=1'));
    await shut(server);
    const settled = objects.slice(-5);
    return {
      kept: [0, 1].map((at) => arrived.every((each, nth) => each[at] === routed[nth]?.[at])),
      ofOneShape: [0, 1].map((at) =>
        settled.every((each) => haveSameShape(settled[0]![at]!, each[at]!)),
      ),
    };
  }

  it('keep the prototypes that they were born with, and one shape', async () => {
    const { app, server } = createExpressServer();

    expect(await observe(app, server)).toEqual({ kept: [true, true], ofOneShape: [true, true] });
  });

  it('get others in plain Express, and in Node 20 other shapes: the reason for all this', async () => {
    const app = express();

    const { kept } = await observe(app, createServer(app));
    expect(kept).toEqual([false, false]);
  });

  it('belong to one application each', () => {
    const one = createExpressServer();
    const other = createExpressServer();

    expect(one.app.request === other.app.request).toBe(false);
    expect(one.app.request.app === one.app).toBe(true);
    expect(other.app.response.app === other.app).toBe(true);
  });
});

describe('the server', () => {
  it('has the limits of the wire contract', () => {
    const { server } = createExpressServer();

    expect(server).toMatchObject({
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: 65_000,
      maxHeaderSize: 16_384,
      maxHeadersCount: 0,
    });
  });

  it('names neither itself nor Express, and makes no ETag of its own', async () => {
    const { app, server } = createExpressServer();
    app.get('/', (_req, res) => void res.json({}));
    const port = await listen(server);

    const answer = await exchange(port, lastRequest('GET /'));
    await shut(server);

    expect(answer).not.toMatch(/^(server|x-powered-by|etag):/im);
  });

  it('tells paths apart by case and by a trailing slash', async () => {
    const { app, server } = createExpressServer();
    app.get('/api', (_req, res) => void res.json({}));
    const port = await listen(server);

    const answers = await exchange(port, [
      request('GET /api'),
      request('GET /API'),
      lastRequest('GET /api/'),
    ]);
    await shut(server);

    expect(statusesOf(answers)).toEqual([200, 404, 404]);
  });

  it('closes a connection whose request does not come', async () => {
    const { server } = createExpressServer({
      ...httpLimits,
      headersTimeoutMs: 200,
      connectionsCheckingIntervalMs: 50,
    });
    const port = await listen(server);

    const answer = await exchange(port, ['GET / HTTP/1.1\r\n']);
    await shut(server);

    expect(statusesOf(answer)).toEqual([408]);
  });
});

/** Uses whatever this service uses of Express, or may come to use. */
function addRoutes(app: Express, folder: string): void {
  app.set('env', 'test');
  app.set('trust proxy', 'loopback');
  app.use((req, res, next) => {
    res.locals['method'] = req.method;
    next();
  });
  app.use('/files', express.static(folder, { index: false, redirect: false }));
  app.get('/file', (_req, res) => res.sendFile('sample.txt', { root: folder }));
  app.get('/download', (_req, res) => res.download(join(folder, 'sample.txt'), 'name.txt'));
  app.get('/json', (_req, res) => void res.json({ text: 'ünïcode \u2028', list: [1, null] }));
  app.get('/params/:storeId/inventory/:sku', (req, res) => void res.json(req.params));
  app.get('/request', (req, res) => {
    res.json({
      ip: req.ip,
      ips: req.ips,
      protocol: req.protocol,
      secure: req.secure,
      xhr: req.xhr,
      host: req.host,
      hostname: req.hostname,
      subdomains: req.subdomains,
      path: req.path,
      query: req.query,
      url: req.url,
      originalUrl: req.originalUrl,
      base: req.baseUrl,
      accept: req.get('Accept'),
      referrer: req.get('Referer'),
      locals: res.locals,
      accepts: req.accepts('json', 'html'),
      languages: req.acceptsLanguages('de', 'en'),
      charsets: req.acceptsCharsets('utf-8'),
      encodings: req.acceptsEncodings('gzip'),
      range: req.range(100),
      is: req.is('json'),
      fresh: req.fresh,
      stale: req.stale,
      same: req.res === res && res.req === req,
      app: req.app === app && res.app === app,
    });
  });
  app.get('/response', (_req, res) => {
    res.status(203).set('X-One', '1').set({ 'X-Two': 'two' }).append('X-One', '11');
    res.type('txt').vary('Accept').links({ next: '/response?page=2' }).location('/ü');
    res.cookie('session', 'a b', { httpOnly: true }).clearCookie('old');
    res.send(`${String(res.get('X-Two'))} ${String(res.get('Content-Type'))}`);
  });
  app.get('/send/text', (_req, res) => void res.send('<p>ü</p>'));
  app.get('/send/buffer', (_req, res) => void res.send(Buffer.from('bytes')));
  app.get('/send/status', (_req, res) => void res.sendStatus(204));
  app.get('/send/none', (_req, res) => void res.status(304).end());
  app.get('/jsonp', (_req, res) => void res.jsonp({ a: 1 }));
  app.get('/format', (_req, res) => {
    res.format({ text: () => res.send('text'), json: () => res.json({ format: 'json' }) });
  });
  app.get('/etag', (_req, res) => void res.set('ETag', '"4"').send('body'));
  app.get('/redirect', (_req, res) => res.redirect('/elsewhere?ä=1'));
  app.get('/redirect/permanent', (_req, res) => res.redirect(308, 'https://else.test/'));
  app.get('/attachment', (_req, res) => void res.attachment('stock.csv').send('a,b'));
  app.get('/stream', (_req, res) => {
    res.write('one');
    setImmediate(() => res.end('two'));
  });
  app.get('/slow', async (_req, res) => {
    await sleep(20);
    res.send('slow');
  });
  app.post('/echo', express.json(), (req, res) => void res.status(201).json(req.body));
  app.post('/raw', (req, res) => void req.pipe(res));
  app.post('/unread', (_req, res) => void res.send('not read'));
  app.get('/throws', () => {
    throw new Error('thrown');
  });
  app.get('/rejects', async () => {
    await sleep(1);
    throw new Error('rejected');
  });
  app.get('/fails', (_req, _res, next) => next(Object.assign(new Error('no'), { status: 418 })));
  app.get('/unhandled', (_req, _res, next) => {
    next(Object.assign(new Error('no'), { stack: 'fixed', status: 503, expose: false }));
  });
  app.get('/next-route', (_req, _res, next) => next('route'));
  app.get('/next-route', (_req, res) => void res.send('second'));
  const router = express.Router({ caseSensitive: true, strict: true, mergeParams: true });
  router.get('/deep', (req, res) => void res.json({ base: req.baseUrl, url: req.url }));
  router.param('id', (req, _res, next, id: string) => {
    req.headers['x-id'] = id;
    next();
  });
  router.get('/by/:id', (req, res) => void res.json({ ...req.params, header: req.get('X-Id') }));
  router
    .route('/verbs')
    .put((_req, res) => void res.send('put'))
    .delete((_req, res) => void res.status(204).end())
    .all((req, res) => void res.status(405).set('Allow', 'PUT, DELETE').send(req.method));
  app.use('/router/:mount', router);
  const onError: ErrorRequestHandler = (error: Error & { status?: number }, _req, res, next) => {
    if (error.message === 'no' && error.status === 503) next(error);
    else res.status(error.status ?? 500).json({ problem: error.message });
  };
  app.use(onError);
}

const forwarded = { 'X-Forwarded-For': '203.0.113.9, 127.0.0.1', 'X-Forwarded-Proto': 'https' };
const json = { 'Content-Type': 'application/json' };
const many = {
  Accept: 'text/html;q=0.5, application/json',
  'Accept-Language': 'en, de;q=0.4',
  'Accept-Encoding': 'gzip, br',
  Range: 'bytes=0-9',
  Referer: 'https://from.test/',
  'X-Requested-With': 'XMLHttpRequest',
  'X-Forwarded-Host': 'a.b.example.test:8080',
};

const cases: Readonly<Record<string, Buffer | readonly (string | Buffer)[]>> = {
  JSON: lastRequest('GET /json'),
  'HEAD of JSON': lastRequest('HEAD /json'),
  'HEAD of a stream': lastRequest('HEAD /stream'),
  'OPTIONS of a path': lastRequest('OPTIONS /json'),
  'OPTIONS of everything': lastRequest('OPTIONS *'),
  'OPTIONS in a router': lastRequest('OPTIONS /router/m/deep'),
  TRACE: lastRequest('TRACE /json'),
  'TRACE where every method is answered': lastRequest('TRACE /router/m/verbs'),
  'an absolute URL': lastRequest('GET http://inventory.test/json'),
  parameters: lastRequest('GET /params/STORE001/inventory/SKU%20123'),
  'a parameter that is not UTF-8': lastRequest('GET /params/%E0%A4%A/inventory/x'),
  'a parameter named __proto__': lastRequest('GET /params/__proto__/inventory/constructor'),
  'everything of a request': lastRequest('GET /request?a=1&a=2&b[c]=d&__proto__=x&%FF=y', many),
  'a request through a proxy': lastRequest('GET /request', forwarded),
  'a request with a body': lastRequest('GET /request', json, '{}'),
  'everything of a response': lastRequest('GET /response'),
  text: lastRequest('GET /send/text'),
  'a buffer': lastRequest('GET /send/buffer'),
  'a status alone': lastRequest('GET /send/status'),
  'a 304': lastRequest('GET /send/none'),
  JSONP: lastRequest('GET /jsonp?callback=call.me'),
  'a format': lastRequest('GET /format', { Accept: 'application/json' }),
  'another format': lastRequest('GET /format', { Accept: 'text/plain' }),
  'no format': lastRequest('GET /format', { Accept: 'image/png' }),
  'an ETag': lastRequest('GET /etag'),
  'an ETag that is known': lastRequest('GET /etag', { 'If-None-Match': '"4"' }),
  'an ETag that is known, without caches': lastRequest('GET /etag', {
    'If-None-Match': '"4"',
    'Cache-Control': 'no-cache',
  }),
  'an ETag that is stale': lastRequest('GET /etag', { 'If-None-Match': 'W/"5"' }),
  'a redirect': lastRequest('GET /redirect'),
  'a redirect as HTML': lastRequest('GET /redirect', { Accept: 'text/html' }),
  'HEAD of a redirect': lastRequest('HEAD /redirect'),
  'a permanent redirect': lastRequest('GET /redirect/permanent'),
  'an attachment': lastRequest('GET /attachment'),
  'a stream in chunks': lastRequest('GET /stream'),
  'a stream to HTTP/1.0': ['GET /stream HTTP/1.0\r\n\r\n'],
  'a file': lastRequest('GET /file'),
  'HEAD of a file': lastRequest('HEAD /file'),
  'a download': lastRequest('GET /download'),
  'a static file': lastRequest('GET /files/sample.txt'),
  'a range': lastRequest('GET /files/sample.txt', { Range: 'bytes=2-5' }),
  'the last bytes': lastRequest('GET /files/sample.txt', { Range: 'bytes=-4' }),
  'several ranges': lastRequest('GET /files/sample.txt', { Range: 'bytes=0-1,4-5' }),
  'a range outside': lastRequest('GET /files/sample.txt', { Range: 'bytes=900-' }),
  'a file not changed': lastRequest('GET /files/sample.txt', {
    'If-Modified-Since': 'Fri, 31 Dec 2100 00:00:00 GMT',
  }),
  'a file that must have been changed': lastRequest('GET /files/sample.txt', {
    'If-Unmodified-Since': 'Sat, 01 Jan 2000 00:00:00 GMT',
  }),
  'a file that is not there': lastRequest('GET /files/none.txt'),
  'a file above the folder': lastRequest('GET /files/..%2f..%2fetc%2fpasswd'),
  'a hidden file': lastRequest('GET /files/.hidden'),
  'POST of a file': lastRequest('POST /files/sample.txt'),
  'a JSON body': lastRequest('POST /echo', json, '{"a":[1]}'),
  'a JSON body in chunks': [
    request('POST /echo', { ...json, 'Transfer-Encoding': 'chunked', Connection: 'close' }),
    '4\r\n{"a"\r\n',
    '3\r\n:1}\r\n0\r\n\r\n',
  ],
  'a broken JSON body': lastRequest('POST /echo', json, '{"a"'),
  'a body piped back': [
    request('POST /raw', { 'Transfer-Encoding': 'chunked', Connection: 'close' }),
    '3\r\nabc\r\n',
    '0\r\n\r\n',
  ],
  'a body that nobody reads': lastRequest('POST /unread', json, 'x'.repeat(1000)),
  'Expect: 100-continue': lastRequest('POST /echo', { ...json, Expect: '100-continue' }, '{}'),
  'an unknown Expect': lastRequest('GET /json', { Expect: 'everything' }),
  'a thrown error': lastRequest('GET /throws'),
  'a rejection': lastRequest('GET /rejects'),
  'an error with a status': lastRequest('GET /fails'),
  'an error that only Express handles': lastRequest('GET /unhandled'),
  'the next route': lastRequest('GET /next-route'),
  'no such route': lastRequest('GET /none?<script>'),
  'no such method on a route': lastRequest('POST /json'),
  'a router': lastRequest('GET /router/m/deep?q=1'),
  'a router with a parameter': lastRequest('GET /router/m/by/7'),
  'a router and its case': lastRequest('GET /router/m/DEEP'),
  'a router and a slash': lastRequest('GET /router/m/deep/'),
  'PUT in a router': lastRequest('PUT /router/m/verbs'),
  'DELETE in a router': lastRequest('DELETE /router/m/verbs'),
  'another method in a router': lastRequest('PATCH /router/m/verbs'),
  'an upgrade that is not offered': lastRequest('GET /json', { Upgrade: 'websocket' }),
  'no Host': [Buffer.from('GET /json HTTP/1.1\r\nConnection: close\r\n\r\n')],
  'bytes that are not HTTP': [Buffer.from('HELLO\r\n\r\n')],
  'two requests in one packet': [Buffer.concat([request('GET /slow'), lastRequest('GET /json')])],
  'requests one after the other': [
    request('POST /echo', json, '{"n":1}'),
    request('HEAD /file'),
    request('POST /unread', json, 'x'),
    lastRequest('GET /send/text'),
  ],
  'HTTP/1.0 kept alive': [
    'GET /json HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
    'GET /json HTTP/1.0\r\n\r\n',
  ],
};

describe('answers as plain Express does, byte for byte', () => {
  let folder: string;
  let born: { server: Server; port: number };
  let plain: { server: Server; port: number };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'http-server-'));
    await writeFile(join(folder, 'sample.txt'), 'The sample of a file.\n');
    await writeFile(join(folder, '.hidden'), 'hidden');
    const ours = createExpressServer();
    addRoutes(ours.app, folder);
    born = { server: ours.server, port: await listen(ours.server) };
    const app = express();
    app.disable('x-powered-by').disable('etag');
    app.enable('case sensitive routing').enable('strict routing');
    addRoutes(app, folder);
    const server = createServer(
      { keepAliveTimeout: httpLimits.keepAliveTimeoutMs, requireHostHeader: false },
      app,
    );
    plain = { server, port: await listen(server) };
  });
  afterAll(async () => {
    await Promise.all([shut(born.server), shut(plain.server)]);
    await rm(folder, { recursive: true });
  });

  const undated = (answers: string) => answers.replace(/^Date: .*\r\n/gm, '');

  it.each(Object.entries(cases))('%s', async (_name, parts) => {
    const [ours, theirs] = await Promise.all([
      exchange(born.port, parts),
      exchange(plain.port, parts),
    ]);

    expect(statusesOf(theirs)).not.toEqual([]);
    expect(undated(ours)).toBe(undated(theirs));
  });

  it('and a client that leaves closes both the request and the response', async () => {
    const { app, server } = createExpressServer();
    const ends: string[] = [];
    app.post('/', (req, res) => {
      req.resume().on('close', () => ends.push(`request ${String(req.readableEnded)}`));
      res.on('close', () => ends.push(`response ${String(res.writableFinished)}`));
    });
    const port = await listen(server);
    server.once('connection', (socket) => setTimeout(() => socket.destroy(), 50));

    await exchange(port, request('POST /', { 'Content-Length': '9' }, 'short'));
    await sleep(20);
    await shut(server);

    expect(ends.sort()).toEqual(['request false', 'response false']);
  });
});
