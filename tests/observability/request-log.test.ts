import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ServiceLog, createLogger } from '../../src/observability/logger.js';
import {
  type ObservedRequest,
  type ObservedResponse,
  createRequestObserver,
} from '../../src/observability/request-log.js';
import { createRequestMetrics } from '../../src/observability/request-metrics.js';
import { createSystem } from '../../src/system.js';

interface Opened {
  readonly log: ServiceLog;
  /** What has been written so far. */
  readonly written: () => Record<string, unknown>[];
  /** Everything. */
  readonly lines: () => Record<string, unknown>[];
}

async function openLog(level: 'info' | 'warn' = 'info'): Promise<Opened> {
  const directory = mkdtempSync(path.join(tmpdir(), 'request-log-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'log');
  const log = createLogger({ level, to: file });
  const written: Opened['written'] = () =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return {
    log,
    written,
    lines() {
      log.writeOut();
      return written();
    },
  };
}

/** A server whose handler stands for the HTTP edge; every request is logged. */
async function serve(
  log: ServiceLog,
  handle: (request: ObservedRequest, response: ObservedResponse) => void,
): Promise<string> {
  const observe = createRequestObserver({
    logger: log.logger,
    metrics: createRequestMetrics(),
    clock: createSystem().clock,
  });
  const server = createServer((incoming, response) => {
    // Not the request itself: an id would make it one of the service's own.
    const request = Object.assign(Object.create(incoming) as typeof incoming, {
      requestId: String(incoming.headers['x-request-id']),
      route: { path: '/things/:name' },
    });
    response.req = request;
    observe(request, response);
    handle(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('the request log', () => {
  it('has one line per request, with its outcome and nothing of its headers or body', async () => {
    const { log, lines } = await openLog();
    const url = await serve(log, (_request, response) => {
      Object.assign(response, { sequence: 812 });
      response.writeHead(201).end('secret answer');
    });

    await fetch(`${url}/things/a%0Ab?token=secret`, {
      method: 'POST',
      headers: { 'X-Request-Id': 'mine', Authorization: 'secret' },
      body: 'secret',
    });

    // The line comes when the answer is out, which the client may know first.
    await expect.poll(lines).toEqual([
      {
        level: 'info',
        time: expect.any(Number),
        requestId: 'mine',
        method: 'POST',
        route: '/things/:name',
        path: '/things/a%0Ab',
        status: 201,
        durationMs: expect.any(Number),
        sequence: 812,
        msg: 'request',
      },
    ]);
  });

  it.each([
    [200, 'info'],
    [404, 'info'],
    [422, 'info'],
    [503, 'warn'],
    [500, 'error'],
  ])('has %d at the level %s', async (status, level) => {
    const { log, lines } = await openLog();
    const url = await serve(log, (_request, response) => response.writeHead(status).end());

    await fetch(url);

    await expect.poll(lines).toMatchObject([{ status, level }]);
    // A stack of the logger itself would tell nobody anything.
    expect(Object.keys(lines()[0]!)).not.toContain('err');
  });

  it('says nothing of successes where only warnings are wanted', async () => {
    const { log, lines } = await openLog('warn');
    const url = await serve(log, ({ url: target }, response) =>
      response.writeHead(target === '/bad' ? 500 : 200).end(),
    );

    await fetch(`${url}/good`);
    await fetch(`${url}/bad`);

    await expect.poll(lines).toMatchObject([{ path: '/bad' }]);
  });

  it('says so where the client went away before its answer', async () => {
    const { log, lines } = await openLog();
    let arrived: () => void = () => undefined;
    const arrival = new Promise<void>((resolve) => (arrived = resolve));
    const url = await serve(log, () => arrived());
    const client = new AbortController();

    const answer = fetch(url, { signal: client.signal });
    await arrival;
    client.abort();

    await expect(answer).rejects.toThrow();
    await expect.poll(lines).toMatchObject([{ msg: 'request aborted', method: 'GET' }]);
    expect(lines()[0]).not.toHaveProperty('status');
  });

  it('cuts a path that is too long for a line', async () => {
    const { log, lines } = await openLog();
    const url = await serve(log, (_request, response) => response.end());

    await fetch(`${url}/${'x'.repeat(5_000)}`);

    await expect.poll(() => String(lines()[0]?.path)).toHaveLength(256);
  });
});

describe('the log', () => {
  it('is written out by itself a little later', async () => {
    const { log, written } = await openLog();

    log.logger.info({ port: 3_000 }, 'listening');
    expect(written()).toEqual([]);

    await expect.poll(written, { timeout: 5_000 }).toMatchObject([{ port: 3_000 }]);
  });

  it('is printable ASCII, one line per record, whatever is logged', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'log-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const file = path.join(directory, 'log');
    const log = createLogger({ level: 'info', to: file });
    const nasty = 'a\nb\r\x1b[2J\x7f\x9b31m\u2028\u202e\ufeff\u{1f4a9}\ud800"\\';

    log.logger.info({ text: nasty, [nasty]: [nasty], err: new Error(nasty) }, nasty);
    log.writeOut();
    expect(readFileSync(file, 'utf8')).toMatch(/^[\x20-\x7e]+\n$/);

    const { text, msg, err, ...rest } = JSON.parse(readFileSync(file, 'utf8'));
    expect({ text, msg, message: err.message, list: rest[nasty] }).toEqual({
      text: nasty,
      msg: nasty,
      message: nasty,
      list: [nasty],
    });
  });
});
