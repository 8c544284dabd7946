import { once } from 'node:events';
import { type RequestListener, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type LoadRequest, askOnce, runLoad } from '../../bench/load.js';
import { runOpenLoop } from '../../bench/open-loop.js';

const REQUEST: LoadRequest = {
  method: 'POST',
  path: '/echo',
  body: '{"qty":1}',
  status: 200,
  contains: '{"qty":1}',
};
const makers = [{ make: () => REQUEST }];
const briefly = { connections: 3, seconds: 0.05 };

async function listening(
  handler: RequestListener,
): Promise<{ pid: number; url: string; stop: () => Promise<void> }> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { pid: process.pid, url: `http://127.0.0.1:${port}`, stop: () => Promise.resolve() };
}

const echo: RequestListener = (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    response.setHeader('Content-Length', body.length).end(body);
  });
};

describe('the load of the bench', () => {
  it('counts each request that the server has answered', async () => {
    let seen = 0;
    const server = await listening((request, response) => {
      seen += 1;
      echo(request, response);
    });

    const round = await runLoad(server, makers, briefly);

    expect(round.answered).toBe(seen);
    expect(round.p99Ms).toBeGreaterThanOrEqual(round.p50Ms);
    expect(round.cpuMicrosecondsPerRequest).toBeGreaterThanOrEqual(0);
  });

  it('fails at a status that is not the right one', async () => {
    const server = await listening((request, response) => {
      response.statusCode = 503;
      echo(request, response);
    });
    await expect(runLoad(server, makers, briefly)).rejects.toThrow(/wrong answer.* 503 /s);
  });

  it('fails at the right status with a wrong body', async () => {
    const server = await listening((_request, response) => {
      response.setHeader('Content-Length', 9).end('{"qty":2}');
    });
    await expect(runLoad(server, makers, briefly)).rejects.toThrow(/wrong answer/);
    const until = new Promise(() => undefined);
    const open = runOpenLoop(server, makers[0]!, { perSecond: 200, until });
    await expect(open).rejects.toThrow(/wrong answer/);
  });

  it('fails where a connection breaks', async () => {
    const server = await listening((request) => request.socket.destroy());
    await expect(runLoad(server, makers, briefly)).rejects.toThrow();
  });

  it('reads an answer that comes in pieces, byte by byte', async () => {
    const server = await listening((_request, response) => {
      const bytes = Buffer.from(
        'HTTP/1.1 200 OK\r\nX-Other: 1\r\nContent-Length: 9\r\n\r\n{"qty":1}',
      );
      const socket = response.socket!.setNoDelay(true);
      let next = 0;
      const writeOne = (): void => {
        socket.write(bytes.subarray(next, (next += 1)));
        if (next < bytes.length) setImmediate(writeOne);
      };
      writeOne();
    });
    const answer = await askOnce(server.url, REQUEST);
    expect(answer).toEqual({
      status: 200,
      head: expect.stringContaining('X-Other'),
      body: '{"qty":1}',
    });
  });

  it('goes on asking in an open loop while nothing is answered', async () => {
    const held: (() => void)[] = [];
    let onHeld: () => void = () => undefined;
    const enoughHeld = new Promise<void>((resolve) => (onHeld = resolve));
    let released = false;
    const server = await listening((request, response) => {
      if (released) {
        echo(request, response);
        return;
      }
      held.push(() => echo(request, response));
      // More than the connections that are open from the start.
      if (held.length === 80) onHeld();
    });

    const loop = runOpenLoop(server, makers[0]!, { perSecond: 200, until: enoughHeld });
    await enoughHeld;
    released = true;
    for (const answer of held) answer();

    expect((await loop).length).toBeGreaterThanOrEqual(80);
  });
});
