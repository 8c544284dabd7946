import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { runLoad } from '../load.js';
import { type Measured, residentBytes } from '../process.js';
import { progress } from '../progress.js';
import { type Section, figure, table } from '../report/section.js';
import { reserveSpread } from '../requests.js';
import { startService } from '../service.js';

const WRITERS = 16;

/** What it costs the writers that the feed is followed: by nobody, by some, by some who do not read. */
export async function followers(): Promise<Section> {
  const server = await startService();
  try {
    await runLoad(server, [reserveSpread], { connections: WRITERS });
    const rows = [
      await round('nobody', server, 0, true),
      await round('1 stream', server, 1, true),
      await round('200 streams', server, 200, true),
      await round('200 that do not read', server, 200, false),
      await round('nobody, again', server, 0, true),
    ];
    const header = ['followed by', 'CPU µs per reserve', 'per second', 'p99 ms', 'MB sent'];
    const text = `Reserves of ${WRITERS} connections, closed loop, one round each, while others follow \`GET /api/events\`.`;
    const found = table([...header, 'MB resident behind it'], rows);
    return { title: 'Followers of the feed', text: `${text}\n\n${found}`, plots: [] };
  } finally {
    await server.stop();
  }
}

async function round(
  who: string,
  server: Measured,
  count: number,
  isReading: boolean,
): Promise<string[]> {
  progress(`followers: ${who}`);
  const sockets = await Promise.all(Array.from({ length: count }, () => follow(server, isReading)));
  const load = await runLoad(server, [reserveSpread], { connections: WRITERS });
  const bytes = sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0);
  for (const socket of sockets) socket.destroy();
  return [
    who,
    figure(load.cpuMicrosecondsPerRequest),
    figure(load.requestsPerSecond),
    figure(load.p99Ms),
    figure(bytes / 1e6),
    figure(residentBytes(server.pid) / 1e6),
  ];
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
