import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type SpawnedServer,
  cleanUp,
  spawnServer,
  temporaryDirectory,
} from '../support/spawned-server.js';
import { createStockClient } from '../support/stock-client.js';

/** Signals that come together count as one; these are two. */
const ONE_SIGNAL_MS = 600;

type LogLine = Readonly<Record<string, unknown>>;

/** Every line of the output, which must be nothing but JSON objects in printable ASCII. */
function logLines(output: string): LogLine[] {
  expect(output.endsWith('\n')).toBe(true);
  return output
    .slice(0, -1)
    .split('\n')
    .map((line) => {
      expect(line).toMatch(/^[\x20-\x7e]+$/);
      return JSON.parse(line) as LogLine;
    });
}

/** Sends raw bytes and resolves with the status line of the answer. */
async function sendRaw(url: string, head: string, body: string): Promise<string> {
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  const length = Buffer.byteLength(body, 'latin1');
  socket.write(Buffer.from(`${head}Content-Length: ${length}\r\n\r\n${body}`, 'latin1'));
  let answer = '';
  socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
  await once(socket, 'close');
  return answer.slice(0, answer.indexOf('\r\n'));
}

const JSON_TYPE = 'Content-Type: application/json\r\n';

describe('the log', () => {
  afterEach(cleanUp);

  it('cannot be written into by a client, and tells nothing of headers and bodies', async () => {
    const server = await spawnServer({
      dataDir: temporaryDirectory(),
      environment: { LOG_LEVEL: 'debug' },
    });
    // Line ends, ANSI and C1 sequences, a right-to-left mark in UTF-8, and a line of a log.
    const forged = '{"level":"fatal","msg":"SECRET"}';
    const nasty = `\x1b[2J\x9b31m\xe2\x80\xae\x7f"${forged}`;
    const percent = encodeURIComponent(`\r\n\u2028\u202e${forged}`);
    const sku = '/api/inventory/stores/S1/inventory/K1';
    const json = JSON.stringify({ delta: 1, reason: `SECRET\r\n\x1b[2J\u202e${forged}` });
    const requests: [string, string, string][] = [
      // In the path, as it is and encoded; Node refuses controls there itself.
      [`GET /a\xe2\x80\xae\x9b31m"SECRET HTTP/1.1\r\n`, '', ''],
      [`GET /${percent.replaceAll('SECRET', 'open')} HTTP/1.1\r\n`, '', ''],
      [`GET ${sku}?SECRET=${percent} HTTP/1.1\r\n`, '', ''],
      // In every header that is read, and in some that are not: Node lets all but controls pass.
      ...[
        ...['X-Request-Id', 'Idempotency-Key', 'If-Match', 'If-None-Match', 'User-Agent'],
        ...['Authorization', 'Cookie', 'X-Forwarded-For', 'Forwarded', 'traceparent', 'Accept'],
      ].map((name): [string, string, string] => [
        `POST ${sku}/adjust HTTP/1.1\r\n`,
        `${JSON_TYPE}${name}: SECRET\xe2\x80\xae\x9b31m"${forged}\r\n`,
        '{"delta":1}',
      ]),
      // In the body, well-formed and not, and in the names of members.
      [`POST ${sku}/adjust HTTP/1.1\r\n`, JSON_TYPE, json],
      [`POST ${sku}/adjust HTTP/1.1\r\n`, JSON_TYPE, `{${nasty}`],
      [
        `POST ${sku}/adjust HTTP/1.1\r\n`,
        JSON_TYPE,
        JSON.stringify({ delta: 1, [`SECRET\n${nasty}`]: nasty }),
      ],
    ];
    const statuses: string[] = [];
    for (const [line, header, body] of requests) {
      const head = `${line}Host: x\r\nConnection: close\r\n${header}`;
      statuses.push(await sendRaw(server.url, head, body));
    }
    const answered = (status: string) => statuses.filter((each) => each.includes(status)).length;
    // The one whose reason may have all that in it, and those whose header does not matter.
    expect(answered(' 200 ')).toBe(9);
    server.signal('SIGTERM');
    expect(await server.ended).toBe(0);

    const lines = logLines(server.output());
    const ofRequests = lines.filter(({ msg }) => msg === 'request');
    // All but the first, which Node turns away before it is a request.
    expect(ofRequests).toHaveLength(requests.length - 1);
    const ofEvents = lines.filter(({ msg }) => msg === 'event');
    expect(ofEvents).toHaveLength(9);
    expect(ofEvents[0]).toMatchObject({
      level: 'debug',
      sequence: 1,
      type: 'StockAdjusted',
      records: [{ storeId: 'S1', sku: 'K1' }],
    });
    expect(lines.filter(({ level }) => level !== 'info' && level !== 'debug')).toEqual([]);
    const told = lines.map(({ path, ...rest }) => ({ rest, path: String(path).slice(0, 2) }));
    expect(JSON.stringify(told)).not.toContain('SECRET');
  });

  it('is written out when a second signal ends the process', async () => {
    const server = await spawnServer({ dataDir: temporaryDirectory() });
    await stillUnanswered(server);
    await createStockClient(server.url).adjust('S1', 'SKU1', 1);

    server.signal('SIGTERM');
    await expect.poll(() => isDraining(server), { timeout: 20_000 }).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, ONE_SIGNAL_MS));
    server.signal('SIGTERM');

    expect(await server.ended).toBe(130);
    const lines = logLines(server.output());
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ msg: 'request', status: 200, sequence: 1 }),
        expect.objectContaining({ msg: expect.stringContaining('stopping') }),
      ]),
    );
    expect(lines.some(({ msg }) => msg === 'stopped')).toBe(false);
  });

  it('ends with what to do when storage cannot keep its promise', async () => {
    const dataDir = temporaryDirectory();
    const server = await spawnServer({ dataDir });
    const client = createStockClient(server.url);
    await client.adjust('S1', 'SKU1', 1);

    rmSync(`${dataDir}/presence.lock`);
    await client.adjust('S1', 'SKU1', 1);

    expect(await server.ended).toBe(74);
    const lines = logLines(server.output());
    expect(lines.filter(({ msg }) => msg === 'request')).toMatchObject([{ sequence: 1 }]);
    expect(lines.at(-1)).toMatchObject({
      level: 'fatal',
      msg: expect.stringContaining('check the disk, then start again'),
    });
  });

  it('says what nobody caught', async () => {
    const crash = "process.once('SIGUSR2', () => { throw new Error('a defect of ours'); });";
    const server = await spawnServer({
      dataDir: temporaryDirectory(),
      environment: { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(crash)}` },
    });
    await createStockClient(server.url).adjust('S1', 'SKU1', 1);

    server.signal('SIGUSR2');

    expect(await server.ended).toBe(1);
    const logged = server.output().match(/^\{.*\}$/gm) ?? [];
    expect(logged.map((line) => JSON.parse(line) as LogLine)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ msg: 'request', sequence: 1 }),
        expect.objectContaining({
          level: 'fatal',
          err: expect.objectContaining({ message: 'a defect of ours' }),
        }),
      ]),
    );
  });
});

/** Leaves a request in flight: its body never comes to its end. */
async function stillUnanswered({ url }: SpawnedServer): Promise<void> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(
    'POST /api/transfers HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n' +
      'Content-Length: 100\r\n\r\n{',
  );
}

/** The port stays open as long as requests are in flight: a probe is told. */
async function isDraining({ url }: SpawnedServer): Promise<boolean> {
  const response = await fetch(`${url}/api/health/readiness`, { headers: { Connection: 'close' } });
  await response.text();
  return response.status === 503;
}
