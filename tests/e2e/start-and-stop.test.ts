import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  cleanUp,
  spawnProcess,
  spawnServer,
  temporaryDirectory,
} from '../support/spawned-server.js';
import { createStockClient } from '../support/stock-client.js';

const { O_NONBLOCK } = constants;
/** Signals that come together count as one; these are two. */
const ONE_SIGNAL_MS = 600;

describe('start', () => {
  afterEach(cleanUp);

  it.each([
    ['PORT', 'abc'],
    ['LOG_LEVEL', 'loud'],
    ['IDEMP_TTL_MS', '0'],
    ['SNAPSHOT_EVERY_N_EVENTS', '-1'],
  ])('stops at %s=%s with one line that names it', async (name, value) => {
    const server = spawnProcess({
      dataDir: temporaryDirectory(),
      environment: { [name]: value },
    });

    expect(await server.ended).toBe(78);
    expect(server.output().trim().split('\n')).toHaveLength(1);
    expect(server.output()).toContain(`${name}="${value}"`);
  });

  it.each([
    { nth: 1, of: 'the directory', LOCKS_ENABLED: 'false' },
    { nth: 7, of: 'the central view', LOCKS_ENABLED: 'false' },
    { nth: 1, of: 'the directory', LOCKS_ENABLED: 'true' },
    { nth: 7, of: 'the central view', LOCKS_ENABLED: 'true' },
  ])('ends with 74 where a sync of it fails: %j', async ({ nth, LOCKS_ENABLED }) => {
    const server = spawnProcess({
      dataDir: temporaryDirectory(),
      environment: { LOCKS_ENABLED, FAILING_SYNC_NTH: String(nth) },
      preload: new URL('../crash/fail-syncs.mjs', import.meta.url),
    });

    expect(await server.ended).toBe(74);
    expect(server.output()).toContain('check the disk, then start again');
  });

  it('serves the inventory while the central view cannot be opened, and opens it when it can', async () => {
    const dataDir = temporaryDirectory();
    const inTheWay = join(dataDir, 'central');
    writeFileSync(inTheWay, '');
    const server = await spawnServer({ dataDir });
    const { adjust, send } = createStockClient(server.url);

    expect((await adjust('S1', 'A', 5))?.status).toBe(200);
    expect(await send('GET', '/api/inventory/skus/A')).toMatchObject({
      status: 503,
      body: { code: 'aggregate-behind' },
    });
    expect(server.output()).toContain('the central view cannot be opened yet');
    const { body: ready } = (await send('GET', '/api/health/readiness'))!;
    expect(ready).toMatchObject({
      ready: true,
      degraded: ['sync'],
      checks: { sync: { failing: ['local'] } },
    });

    rmSync(inTheWay);

    const answer = async () => await send('GET', '/api/inventory/skus/A?minSequence=1&waitMs=5000');
    await expect.poll(async () => (await answer())?.status, { timeout: 20_000 }).toBe(200);
    expect((await answer())?.body).toMatchObject({ total: { qty: 5 } });
    server.signal('SIGTERM');
    expect(await server.ended).toBe(0);
  });

  it('leaves the stdin of its caller as it is: a shell that reads from it would end', async () => {
    const child = spawn(process.execPath, ['dist/main.js'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...process.env, PORT: '0', DATA_DIR: temporaryDirectory() },
    });
    let output = '';
    for await (const chunk of child.stdout) {
      output += String(chunk);
      if (output.includes('"url":"http:')) break;
    }

    const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/${child.pid}/fdinfo/0`, 'utf8'))?.[1];
    expect(parseInt(flags ?? '', 8) & O_NONBLOCK).toBe(0);
    child.kill();
    await once(child, 'exit');
  });

  it('says in one line that the port is in use', async () => {
    const first = await spawnServer({ dataDir: temporaryDirectory() });
    const { port } = new URL(first.url);

    const second = spawnProcess({ dataDir: temporaryDirectory(), environment: { PORT: port } });

    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`port ${port} on 127.0.0.1 is in use`);
  });
});

describe('stop', () => {
  afterEach(cleanUp);

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s finishes what is in flight, marks the stop as clean and exits 0',
    async (signal) => {
      const dataDir = temporaryDirectory();
      const server = await spawnServer({ dataDir });
      const client = createStockClient(server.url);
      let acknowledged = 0;
      let answered = 0;
      const load = Array.from({ length: 16 }, async () => {
        for (;;) {
          const answer = await client.adjust('S1', 'SKU1', 1);
          // No answer: the connection was refused, or closed before the request was read.
          if (answer === undefined) return;
          answered += 1;
          if (answer.status === 200) acknowledged += 1;
          else {
            expect(answer.status).toBe(503);
            expect(answer.body['code']).toBe('shutting-down');
          }
        }
      });
      while (answered < 200) await new Promise((resolve) => setTimeout(resolve, 5));
      server.signal(signal);

      expect(await server.ended).toBe(0);
      await Promise.all(load);
      const manifest = JSON.parse(readFileSync(`${dataDir}/MANIFEST.json`, 'utf8'));
      expect(manifest.clean).not.toBeNull();
      const again = await spawnServer({ dataDir });
      expect((await createStockClient(again.url).record('S1', 'SKU1'))?.body).toMatchObject({
        onHand: acknowledged,
      });
      expect(again.output()).toContain('"clean":true');
    },
  );

  it('a second signal ends it at once, with nothing acknowledged lost', async () => {
    const dataDir = temporaryDirectory();
    const server = await spawnServer({ dataDir, environment: { SHUTDOWN_GRACE_MS: '60000' } });
    const client = createStockClient(server.url);
    expect((await client.adjust('S1', 'SKU1', 3))?.status).toBe(200);
    // A request whose body never comes keeps the first signal waiting.
    const { port } = new URL(server.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(
      'POST /api/inventory/stores/S1/inventory/SKU1/adjust HTTP/1.1\r\nHost: x\r\n' +
        'Content-Type: application/json\r\nContent-Length: 20\r\n\r\n{',
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    server.signal('SIGTERM');
    while (!server.output().includes('stopping')) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (server.output().includes('stopped')) break;
    }
    await new Promise((resolve) => setTimeout(resolve, ONE_SIGNAL_MS));
    server.signal('SIGTERM');

    expect(await server.ended).not.toBe(0);
    const again = createStockClient((await spawnServer({ dataDir })).url);
    expect((await again.record('S1', 'SKU1'))?.body).toMatchObject({ onHand: 3 });
  });

  it('one that comes twice, from the terminal and from npm, is one', async () => {
    const dataDir = temporaryDirectory();
    const environment = { ...process.env, PORT: '0', DATA_DIR: dataDir };
    const npm = spawn('npm', ['start'], { detached: true, env: environment });
    let printed = '';
    npm.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
    const closed = once(npm, 'close');
    while (!printed.includes('"url":')) await once(npm.stdout, 'data');
    const url = /"url":"(http:[^"]+)"/.exec(printed)?.[1] ?? '';
    expect((await createStockClient(url).adjust('S1', 'SKU1', 3))?.status).toBe(200);
    process.kill(-(npm.pid ?? 0), 'SIGINT');
    await closed;

    expect(printed).toContain('"msg":"stopped"');
    const manifest = JSON.parse(readFileSync(`${dataDir}/MANIFEST.json`, 'utf8'));
    expect(manifest.clean).not.toBeNull();
  });

  it('one that comes while it starts ends it, also where nothing else would', async () => {
    const dataDir = temporaryDirectory();
    const preload = new URL('stop-at-once.mjs', import.meta.url);
    const server = spawnProcess({ dataDir, preload });
    expect(await server.ended).toBe(0);
    expect(server.output()).toContain('stopped before it had started');
    expect(server.output()).not.toContain('listening');
    expect((await spawnServer({ dataDir })).output()).toContain('listening');
  });
});
