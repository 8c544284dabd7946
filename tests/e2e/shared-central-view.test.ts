import { mkdirSync, readdirSync, readlinkSync, rmdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { statusesOf } from '../http/raw-exchange.js';
import { SharingServers } from '../support/sharing-servers.js';
import { cleanUp, temporaryDirectory } from '../support/spawned-server.js';
import { type Answered, createStockClient } from '../support/stock-client.js';

const SKU = '/api/inventory/skus/SKU1';

describe('the central view of servers that share a directory', () => {
  afterEach(cleanUp);

  it(
    'is one, whoever is asked, and outlives the one that keeps it',
    { timeout: 120_000 },
    async () => {
      const servers = new SharingServers(temporaryDirectory(), { SYNC_INTERVAL_MS: '60000' });
      await servers.start(3);
      const clients = () => servers.running.map(({ url }) => createStockClient(url));
      const totalsAfter = async (sequence: number): Promise<unknown[]> => {
        const path = `${SKU}?minSequence=${sequence}&waitMs=10000`;
        const answers = await Promise.all(
          clients().map(({ send }) => untilThere(send, 'GET', path)),
        );
        return answers.map(({ body }) => (body['total'] as { qty: number }).qty);
      };

      await clients()[0]!.adjust('S1', 'SKU1', 5);
      expect(await totalsAfter(1)).toEqual([5, 5, 5]);

      for (const { send } of clients()) {
        expect((await send('POST', '/api/sync'))?.body).toMatchObject({ checkpoint: 1 });
      }
      expect((await clients()[0]!.send('POST', '/api/sync/stop'))?.body).toMatchObject({
        running: false,
      });
      for (const { send } of clients()) {
        expect((await send('GET', '/api/sync/status'))?.body).toMatchObject({ running: false });
        expect((await send('GET', `${SKU}?limit=1`))?.status).toBe(400);
      }

      await clients()[1]!.send('POST', '/api/sync/start');

      // Among the two that are killed, or the one that is left, is the one that had it.
      await servers.replace(0);
      await clients()[1]!.adjust('S2', 'SKU1', 2);
      expect(await totalsAfter(2)).toEqual([7, 7, 7]);
      await servers.replace(1);
      await clients()[2]!.adjust('S3', 'SKU1', 1);
      expect(await totalsAfter(3)).toEqual([8, 8, 8]);
      expect(await servers.stop()).toEqual([0, 0, 0]);
    },
  );
});

describe('a request about the central view that another server answers', () => {
  afterEach(cleanUp);

  it('may have any header, and a body that is refused before it has come', async () => {
    const servers = new SharingServers(temporaryDirectory(), {});
    await servers.start(2);
    for (const { url } of servers.running) {
      await untilThere(createStockClient(url).send, 'GET', '/api/sync/status');
      const head = (method: string) => `${method} HTTP/1.1\r\nHost: x\r\n`;
      const large = Buffer.alloc(1_000_000, ' ');
      const answers = await exchange(url, [
        `${head('GET /api/sync/status')}Trailer: x\r\nTE: trailers\r\n\r\n`,
        `${head('POST /api/sync')}Content-Type: application/json\r\nContent-Length: ${large.length}\r\n\r\n`,
        large,
        `${head('GET /api/health/liveness')}Connection: close\r\n\r\n`,
      ]);
      // The one that answers closes after 413; the one that forwards reads on.
      expect(answers.slice(0, 2)).toEqual([200, 413]);
    }
    expect(await servers.stop()).toEqual([0, 0]);
  });
});

/** Sends the parts one after the other on one connection; resolves with the statuses at its end. */
async function exchange(url: string, parts: readonly (string | Buffer)[]): Promise<number[]> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  for (const part of parts) socket.write(part);
  return statusesOf(await text(socket));
}

describe('who waits for the central view at a server that another one answers for', () => {
  afterEach(cleanUp);

  it('is told to ask again when that server stops, which need not wait for it', async () => {
    const servers = new SharingServers(temporaryDirectory(), { SHUTDOWN_GRACE_MS: '5000' });
    await servers.start(1);
    await untilThere(createStockClient(servers.running[0]!.url).send, 'GET', SKU);
    await servers.start(1);
    const [, other] = servers.running;
    const { send } = createStockClient(other!.url);
    await untilThere(send, 'GET', SKU);
    const waiting = send('GET', `${SKU}?minSequence=1000&waitMs=30000`);
    await pause(300);

    other!.signal('SIGTERM');

    expect(await other!.ended).toBe(0);
    expect(await waiting).toMatchObject({ status: 503, body: { code: 'aggregate-behind' } });
  }, 40_000);

  it('is not waited for, where that server is frozen', async () => {
    const servers = new SharingServers(temporaryDirectory(), {});
    await servers.start(1);
    const [holder] = servers.running;
    await untilThere(createStockClient(holder!.url).send, 'GET', SKU);
    await servers.start(1);
    const { send } = createStockClient(servers.running[1]!.url);
    await untilThere(send, 'GET', SKU);

    holder!.signal('SIGSTOP');

    const answers = [
      send('GET', SKU),
      send('GET', `${SKU}?minSequence=1000&waitMs=500`),
      send('GET', '/api/sync/status'),
      send('POST', '/api/sync'),
      send('POST', '/api/sync/stop'),
    ];
    for (const answer of await Promise.all(answers)) {
      expect(answer).toMatchObject({ status: 503, body: { code: 'aggregate-behind' } });
    }
    holder!.signal('SIGCONT');
    await untilThere(send, 'GET', SKU);
    // What was answered 503 is not executed later.
    expect((await send('GET', '/api/sync/status'))?.body).toMatchObject({ running: true });
    expect(await servers.stop()).toEqual([0, 0]);
  }, 40_000);
});

describe('the central view where its socket cannot be made', () => {
  afterEach(cleanUp);

  it('is not kept open by who could not, and is there when it can be made', async () => {
    const dataDir = temporaryDirectory();
    const socket = join(dataDir, 'central.sock');
    mkdirSync(socket);
    const servers = new SharingServers(dataDir, { SYNC_INTERVAL_MS: '100' });
    await servers.start(1);
    const [server] = servers.running;
    const { adjust, send } = createStockClient(server!.url);
    const attempts = () => server!.output().split('central does not run here').length - 1;
    for (const before = attempts(); attempts() < before + 3;) await adjust('S1', 'SKU1', 1);
    const open = readdirSync(`/proc/${server!.pid}/fd`).map((name) => {
      const target = readlinkIfThere(`/proc/${server!.pid}/fd/${name}`);
      return target.startsWith(join(dataDir, 'central/'));
    });
    expect(open.filter(Boolean).length).toBeLessThanOrEqual(2); // of an attempt that is under way

    rmdirSync(socket);

    const { body } = await untilThere(send, 'GET', `${SKU}?waitMs=5000`);
    expect((body['total'] as { qty: number }).qty).toBeGreaterThan(0);
    expect(server!.output()).not.toContain('damaged');
    expect(await servers.stop()).toEqual([0]);
  }, 60_000);
});

function readlinkIfThere(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // it was closed meanwhile
  }
}

type Send = ReturnType<typeof createStockClient>['send'];

/** While another process takes the view over, everybody is told to come back. */
async function untilThere(send: Send, method: string, path: string): Promise<Answered> {
  for (;;) {
    const answer = await send(method, path);
    if (answer?.status === 200) return answer;
    expect([503, undefined]).toContain(answer?.status);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
