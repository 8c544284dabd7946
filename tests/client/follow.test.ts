import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { NodeChangedError, UnexpectedAnswerError } from '../../src/client/errors.js';
import type { FollowOptions } from '../../src/client/follow.js';
import { InventoryClient } from '../../src/client/inventory-client.js';
import { type Edge, startEdge } from '../support/http-edge.js';

const FAST = { backoffBaseMs: 1, backoffMaxMs: 5 };

function clientOf({ port }: Pick<Edge, 'port'>): InventoryClient {
  return new InventoryClient({ url: `http://127.0.0.1:${port}`, ...FAST, silenceMaxMs: 200 });
}

/** The sequences up to `last`, and then no more. */
async function follow(edge: Pick<Edge, 'port'>, last: number, options: FollowOptions = {}) {
  const sequences: number[] = [];
  for await (const { sequence } of clientOf(edge).events(options)) {
    sequences.push(sequence);
    if (sequence >= last) return sequences;
  }
  return sequences;
}

/** What a follower of a stream meets that a service of ours does not send on purpose. */
async function startPlayedService(
  play: (response: ServerResponse, connection: number, request: IncomingMessage) => void,
): Promise<Pick<Edge, 'port'>> {
  let connections = 0;
  const server = createServer((request, response) => play(response, (connections += 1), request));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port };
}

function stream(response: ServerResponse, node: string): ServerResponse {
  return response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Inventory-Node': node });
}

const frame = (sequence: number) => `id: ${sequence}\ndata: {"sequence":${sequence}}\n\n`;

describe('those who iterate over the events', () => {
  it('get what was, and then what comes', async () => {
    const edge = await startEdge();
    await edge.stock('A', 1);
    await edge.stock('B', 1);

    const following = follow(edge, 3);
    await edge.stock('C', 1);

    expect(await following).toEqual([1, 2, 3]);
  });

  it('try anew where nothing at all is answered', async () => {
    const played = await startPlayedService((response, connection) => {
      if (connection > 2) stream(response, 'a').end(frame(1));
    });

    expect(await follow(played, 1)).toEqual([1]);
  });

  it('try anew where a refusal breaks off in its middle', async () => {
    const played = await startPlayedService((response, connection) => {
      if (connection > 1) stream(response, 'a').end(frame(1));
      else {
        response.writeHead(409, { 'Content-Length': '500' }).write('{"code":');
        setTimeout(() => response.destroy(), 20);
      }
    });

    expect(await follow(played, 1)).toEqual([1]);
  });

  it('wait as long as they are told, however long that is', async () => {
    let asked = 0;
    const played = await startPlayedService((response) => {
      asked += 1;
      response.writeHead(503, { 'Retry-After': '2592000' }).end();
    });
    const enough = AbortSignal.timeout(300);

    await expect(follow(played, 1, { signal: enough })).rejects.toThrow(/timeout|aborted/);
    expect(asked).toBe(1);
  });

  it('do not take the end of a stream for the end of the events', async () => {
    const edge = await startEdge();
    for (const sku of ['A', 'B', 'C']) await edge.stock(sku, 1);
    // A service that is about to stop: every stream ends as soon as it begins.
    edge.endWaiting();
    const sequences: number[] = [];
    const stop = new AbortController();
    const following = (async () => {
      const events = clientOf(edge).events({ after: 1, signal: stop.signal });
      for await (const { sequence } of events) sequences.push(sequence);
    })();
    setTimeout(() => stop.abort(new Error('enough')), 100);

    await expect(following).rejects.toThrow();
    expect(sequences).toEqual([]);
  });

  it('get each event once, in order, however often they are cut off', async () => {
    const asked: unknown[] = [];
    const played = await startPlayedService((response, connection, { headers }) => {
      asked.push(headers['last-event-id']);
      const next = connection;
      stream(response, 'N').write(frame(next) + frame(next + 1).slice(0, connection * 3));
      setTimeout(() => response.destroy(), 5);
    });

    expect(await follow(played, 8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(asked).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  });

  it('give up where something else is answered', async () => {
    const played = await startPlayedService((response) => {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<h1>Welcome</h1>');
    });

    await expect(follow(played, 1)).rejects.toThrow(UnexpectedAnswerError);
  });

  it('leave a connection that is silent', async () => {
    const played = await startPlayedService((response, connection) => {
      stream(response, 'N').write(connection === 1 ? ': nothing more\n\n' : frame(1));
    });

    expect(await follow(played, 1)).toEqual([1]);
  });

  it('come back when they were told to, and not before', async () => {
    const times: number[] = [];
    const played = await startPlayedService((response, connection) => {
      times.push(performance.now());
      if (connection === 2) stream(response, 'N').write(frame(1));
      else response.writeHead(503, { 'Retry-After': '1' }).end('{"code":"overloaded"}');
    });

    expect(await follow(played, 1)).toEqual([1]);
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(990);
  });

  it('are told when other data is behind the URL', async () => {
    const played = await startPlayedService((response, connection) => {
      stream(response, connection === 1 ? 'N1' : 'N2').end(frame(connection));
    });

    await expect(follow(played, 9)).rejects.toThrow(new NodeChangedError('N1', 'N2'));
    await expect(follow(played, 9, { after: 2, node: 'N1' })).rejects.toThrow(NodeChangedError);
  });

  it('are told of a gap, which no service of ours leaves', async () => {
    const played = await startPlayedService((response) => {
      stream(response, 'N').write(frame(1) + frame(3));
    });

    await expect(follow(played, 9)).rejects.toThrow(UnexpectedAnswerError);
  });

  it('are told when the log has not come so far', async () => {
    const edge = await startEdge();
    await expect(follow(edge, 9, { after: 5 })).rejects.toMatchObject({ code: 'position-ahead' });
  });
});
