import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { statusesOf } from '../http/raw-exchange.js';
import { cleanUp, spawnServer, temporaryDirectory } from '../support/spawned-server.js';
import { createStockClient } from '../support/stock-client.js';

afterEach(cleanUp);

it('while it stops it is not ready, takes nothing on, and finishes what it had begun', async () => {
  const dataDir = temporaryDirectory();
  const server = await spawnServer({ dataDir, environment: { SHUTDOWN_GRACE_MS: '60000' } });
  const client = createStockClient(server.url);
  expect((await client.adjust('S1', 'SKU1', 3))?.status).toBe(200);
  // given a request that is still being sent
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  let answer = '';
  socket.on('data', (bytes: Buffer) => (answer += bytes.toString('latin1')));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(
    'POST /api/inventory/stores/S1/inventory/SKU1/adjust HTTP/1.1\r\nHost: x\r\n' +
      'Content-Type: application/json\r\nContent-Length: 11\r\n\r\n{"delta"',
  );
  const readiness = () => client.send('GET', '/api/health/readiness');
  const metrics = () => fetch(`${server.url}/metrics`).then((response) => response.text());
  while (!(await metrics()).includes('inventory_lane_receiving{lane="writes"} 1\n')) await sleep(5);

  server.signal('SIGTERM');
  while ((await readiness())?.status !== 503) await sleep(5);

  expect(await readiness()).toMatchObject({ status: 503, body: { ready: false, degraded: [] } });
  expect((await client.send('GET', '/api/health/liveness'))?.status).toBe(200);
  for (const refused of [await client.adjust('S1', 'SKU1', 1), await client.record('S1', 'SKU1')]) {
    expect(refused).toMatchObject({ status: 503, body: { code: 'shutting-down' } });
  }
  socket.write(':4}');
  await closed;
  expect(statusesOf(answer)).toEqual([200]);
  expect(answer).toContain('Connection: close');
  expect(await server.ended).toBe(0);
  const again = await spawnServer({ dataDir });
  expect(again.output()).toContain('"clean":true');
  const record = await createStockClient(again.url).record('S1', 'SKU1');
  expect(record?.body).toMatchObject({ onHand: 7 });
}, 60_000);

it('a connection on which nothing ever came does not hold up the stop', async () => {
  const dataDir = temporaryDirectory();
  const server = await spawnServer({ dataDir, environment: { SHUTDOWN_GRACE_MS: '120000' } });
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  await once(socket, 'connect');
  const closed = once(socket, 'close');

  server.signal('SIGTERM');

  expect(await server.ended).toBe(0);
  await closed;
}, 60_000);

it('it ends after its grace also where a client that does not read has asked for a tunnel', async () => {
  const dataDir = temporaryDirectory();
  const server = await spawnServer({ dataDir, environment: { SHUTDOWN_GRACE_MS: '1000' } });
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1').pause();
  socket.on('error', () => undefined);
  const pages = 'GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(60);
  socket.write(`${pages}CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n`);
  await sleep(500);

  server.signal('SIGTERM');
  expect(await server.ended).toBe(0);
  socket.destroy();
}, 30_000);
