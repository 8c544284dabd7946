import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type Socket, connect } from 'node:net';
import { runLoad } from './load.js';
import type { Measured } from './process.js';
import { reserveSpread, startService } from './sides.js';

const SECONDS = 5;
const WRITERS = { connections: 16, seconds: SECONDS, expected: [201] };

export interface Followed {
  readonly who: string;
  readonly cpuMicrosecondsPerWrite: number;
  readonly writesPerSecond: number;
  readonly p99Ms: number;
  readonly megabytesSent: number;
  /** Of the server, behind the round. */
  readonly residentMegabytes: number;
}

/** What it costs the writers that the feed is followed: by nobody, by some, by some who do not read. */
export async function writersWhileFollowed(): Promise<Followed[]> {
  const server = await startService();
  try {
    await runLoad(server, [reserveSpread], WRITERS);
    return [
      await round('nobody', server, 0, true),
      await round('1 stream', server, 1, true),
      await round('200 streams', server, 200, true),
      await round('200 that do not read', server, 200, false),
      await round('nobody, again', server, 0, true),
    ];
  } finally {
    await server.stop();
  }
}

async function round(
  who: string,
  server: Measured,
  count: number,
  isReading: boolean,
): Promise<Followed> {
  const sockets = await Promise.all(Array.from({ length: count }, () => follow(server, isReading)));
  const load = await runLoad(server, [reserveSpread], WRITERS);
  const bytes = sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0);
  for (const socket of sockets) socket.destroy();
  return {
    who,
    cpuMicrosecondsPerWrite: load.cpuMicrosecondsPerRequest,
    writesPerSecond: load.requestsPerSecond,
    p99Ms: load.p99Ms,
    megabytesSent: bytes / 1e6,
    residentMegabytes: residentMegabytes(server.pid),
  };
}

/** Follows from now on. */
async function follow({ url }: Measured, isReading: boolean): Promise<Socket> {
  const head = await fetch(`${url}/api/events`, { method: 'HEAD' });
  const last = head.headers.get('inventory-sequence') ?? '0';
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  const lines = ['GET /api/events HTTP/1.1', 'Host: bench', 'Accept: text/event-stream'];
  socket.write([...lines, `Last-Event-ID: ${last}`, '', ''].join('\r\n'));
  return isReading ? socket.resume() : socket.pause();
}

function residentMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? NaN) / 1_000;
}
