// A primary and two workers that run workerProcesses as the service does, in a moment that a stop of one
// worker brings about: a connection that was dealt to it, and refused, waits for the other one. Prints
// the answers of the other one, in JSON: of those that wait for it, then of those that come later.
import cluster from 'node:cluster';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort, workerProcesses } from '../../src/cluster/worker-processes.js';

const BUSY_MS = 600;
const CLOSED_MS = 400;

if (cluster.isPrimary) await run();
else await serve();

async function serve(): Promise<void> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { Connection: 'close' }).end();
  });
  server.listen(Number(process.env['PORT']), '127.0.0.1');
  await once(server, 'listening');
  process.send?.({ kind: 'up' });
  await once(process, 'message');
  // A pause of its loop, in which a connection is dealt to it, and then its stop.
  const until = Date.now() + BUSY_MS;
  while (Date.now() < until);
  server.close();
  setTimeout(() => process.exit(0), CLOSED_MS);
}

async function run(): Promise<void> {
  const port = await freePort('127.0.0.1');
  const start = workerProcesses(fileURLToPath(import.meta.url), { PORT: String(port) });
  const ask = async (): Promise<string> => {
    const socket = connect(port, '127.0.0.1').setTimeout(5_000, () => socket.destroy());
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    const answer = await text(socket).catch(String);
    return answer.slice(0, 'HTTP/1.1 200'.length);
  };
  const startOne = async (onEnd: () => void) => {
    let onUp = (): void => undefined;
    const up = new Promise((resolve) => (onUp = () => resolve(undefined)));
    const worker = start({ onMessage: () => onUp(), onEnd });
    await up;
    return worker;
  };
  let onStopped = (): void => undefined;
  const stopped = new Promise((resolve) => (onStopped = () => resolve(undefined)));
  const stopping = await startOne(() => onStopped());
  const other = await startOne(() => undefined);

  process.kill(other.pid, 'SIGSTOP');
  const waiting = [ask(), ask()]; // one of them at the other one, which keeps it busy for the primary
  await pause(200);
  stopping.send({ kind: 'read' });
  await pause(200);
  waiting.push(ask());
  await stopped;
  process.kill(other.pid, 'SIGCONT');
  const first = await Promise.all(waiting);
  const later = [await ask(), await ask()];
  console.log(JSON.stringify({ first, later }));
  other.signal('SIGKILL');
}
