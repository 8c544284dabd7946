import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import { type Socket, connect } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { closeServer } from '../../../src/http/server/close-server.js';
import { watchConnections } from '../../../src/http/server/open-connections.js';
import { createFakeClock } from '../../support/fake-clock.js';
import { createFakeTimers } from '../../support/fake-timers.js';
import { listen } from '../raw-exchange.js';

const GRACE_MS = 1_000;
/** How long nobody new may have come. */
const QUIET_MS = 100;
const HALF_A_REQUEST = 'GET / HTTP/1.1\r\nHo';

let server: Server;
let port: number;
let clients: Socket[];

beforeEach(async () => {
  server = createServer();
  port = await listen(server);
  clients = [];
});
afterEach(() => {
  for (const client of clients) client.destroy();
  server.closeAllConnections();
});

async function sendHalf(): Promise<Socket> {
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = connect(port, '127.0.0.1').on('error', () => undefined);
  clients.push(client);
  client.write(HALF_A_REQUEST);
  const [socket] = await accepted;
  while (socket.bytesRead < HALF_A_REQUEST.length) await new Promise(setImmediate);
  return client;
}

/** A stop that waits for one request. */
function startStop() {
  const clock = createFakeClock();
  const timers = createFakeTimers(clock);
  let inFlight = 1;
  const connections = watchConnections(server, clock);
  const over = closeServer(server, timers, {
    graceMs: GRACE_MS,
    inFlight: () => inFlight,
    connections,
  });
  return { timers, over, answered: () => (inFlight = 0) };
}

it('cuts off what is not over when the grace is', async () => {
  const { timers, over, answered } = startStop();
  const closed = once(await sendHalf(), 'close');
  answered();
  await timers.pass(10);
  await timers.pass(GRACE_MS);
  await over;
  await closed;
});

it('ends, though somebody begins a request when the others were cut off already', async () => {
  const { timers, over, answered } = startStop();
  await timers.pass(GRACE_MS);
  await sendHalf();
  answered();
  await timers.pass(10);
  await over;
});

it('does not wait for the rest of half a request, which has no answer to lose', async () => {
  const { timers, over, answered } = startStop();
  const closed = once(await sendHalf(), 'close');
  answered();
  await timers.pass(QUIET_MS + 10);
  await timers.pass(500);
  await over;
  await closed;
});

it('accepts for a moment those who come again because their connection was closed', async () => {
  const { timers, over, answered } = startStop();
  answered();
  await timers.pass(60);
  await sendHalf();
  await timers.pass(60);
  expect(server.listening).toBe(true);
  await timers.pass(60);
  expect(server.listening).toBe(false);
  await timers.pass(500);
  await over;
});

it('does not go on accepting for ever where somebody comes again and again', async () => {
  const { timers, over, answered } = startStop();
  answered();
  for (let passedMs = 0; passedMs < GRACE_MS - 50; passedMs += 50) {
    if (server.listening) await sendHalf();
    await timers.pass(50);
  }
  await timers.pass(100);
  expect(server.listening).toBe(false);
  await timers.pass(500);
  await over;
});
