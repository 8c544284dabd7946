import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

export async function shut(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}

/**
 * Sends the parts one after the other, also when the server has said goodbye, and gives all that
 * came back until it closed.
 */
export async function exchange(
  port: number,
  parts: string | Buffer | readonly (string | Buffer)[],
  pauseMs = 0,
): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  const received: Buffer[] = [];
  socket.on('data', (chunk) => received.push(chunk));
  // A reset or a broken pipe ends the exchange like an ordinary close: the answer is what counts.
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  for (const part of typeof parts === 'string' || Buffer.isBuffer(parts) ? [parts] : parts) {
    socket.write(part);
    await (pauseMs === 0 ? new Promise(setImmediate) : sleep(pauseMs));
  }
  // Some servers wait for the client to hang up first.
  if (socket.readableEnded) socket.end();
  else socket.once('end', () => socket.end());
  await closed;
  return Buffer.concat(received).toString('latin1');
}

/**
 * Sends everything before it reads anything, as simple clients do. `errors` are what the connection
 * met: a server that cuts it while there is more to come makes the kernel reset it.
 */
export async function sendThenRead(
  port: number,
  bytes: Buffer,
): Promise<{ answer: string; errors: Error[] }> {
  const socket = connect(port, '127.0.0.1');
  const errors: Error[] = [];
  const received: Buffer[] = [];
  socket.on('error', (error) => errors.push(error));
  socket.on('data', (chunk) => received.push(chunk));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.pause().write(bytes, () => socket.resume());
  await closed;
  return { answer: Buffer.concat(received).toString('latin1'), errors };
}

/** The status of every answer, in order. */
export function statusesOf(answers: string): number[] {
  return [...answers.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
}

/** One request: a head line, its headers, and a body as it is (its length is added when absent). */
export function request(
  line: string,
  headers: Readonly<Record<string, string>> = {},
  body: string | Buffer = '',
): Buffer {
  const given = { Host: 'inventory.test', ...headers };
  const sized =
    body.length === 0 || 'Transfer-Encoding' in given || 'Content-Length' in given
      ? given
      : { ...given, 'Content-Length': String(Buffer.byteLength(body)) };
  const head = Object.entries(sized).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([
    Buffer.from(`${line} HTTP/1.1\r\n${head.join('')}\r\n`, 'latin1'),
    Buffer.from(body),
  ]);
}

/** `request`, and nothing after it. */
export function lastRequest(
  line: string,
  headers: Readonly<Record<string, string>> = {},
  body: string | Buffer = '',
): Buffer {
  return request(line, { ...headers, Connection: 'close' }, body);
}
