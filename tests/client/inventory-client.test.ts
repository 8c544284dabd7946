import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { InventoryProblem, NoAnswerError } from '../../src/client/errors.js';
import { type ClientOptions, InventoryClient } from '../../src/client/inventory-client.js';
import {
  type Reply,
  type Transport,
  type WireRequest,
  createTransport,
} from '../../src/client/transport.js';
import { nodeEnvironment } from '../../src/client/environment.js';
import type { InventoryService } from '../../src/application/inventory-service.js';
import { UnavailableError } from '../../src/domain/errors.js';
import { type Edge, startEdge } from '../support/http-edge.js';

const A = { storeId: 'STORE001', sku: 'A B' };
const C = { storeId: 'STORE002', sku: 'C' };
const FAST = { backoffBaseMs: 1, backoffMaxMs: 5 };

const urlOf = ({ port }: Pick<Edge, 'port'>) => `http://127.0.0.1:${port}`;

function clientOf(edge: Pick<Edge, 'port'>, options: Partial<ClientOptions> = {}): InventoryClient {
  return new InventoryClient({ url: urlOf(edge), ...FAST, ...options });
}

/** A client whose attempts are lost as `lose` says: before the service has them, or behind it. */
function lossyClient(edge: Edge, lose: (attempt: number) => 'request' | 'answer' | 'nothing') {
  const http = createTransport({
    url: urlOf(edge),
    attemptTimeoutMs: 5_000,
    environment: nodeEnvironment,
  });
  const cut: Reply = { kind: 'unknown', why: 'cut', retryAfterMs: 0 };
  const sent: WireRequest[] = [];
  const transport = {
    async send(request: WireRequest): Promise<Reply> {
      const what = lose(sent.push(request));
      if (what === 'request') return cut;
      const reply = await http.send(request);
      return what === 'answer' ? cut : reply;
    },
  };
  return { client: clientOf(edge, { transport }), sent };
}

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** What a call was refused with. */
async function codeOf(asked: Promise<unknown>): Promise<string> {
  const error = await asked.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InventoryProblem);
  return (error as InventoryProblem).code;
}

describe('a client', () => {
  it('moves stock through every route, and reads what came of it', async () => {
    const client = clientOf(await startEdge());

    expect(await client.record(A)).toBeUndefined();
    const delivered = await client.adjust(A, { delta: 20, reason: 'delivery' });
    expect(delivered.record).toMatchObject({ ...A, qty: 20, version: 1 });
    expect((await client.count(A, { onHand: 18 }, 1)).record.onHand).toBe(18);
    expect((await client.count(C, { onHand: 5 }, 'none')).record.version).toBe(1);
    expect((await client.count(C, { onHand: 6 }, 'any')).record.onHand).toBe(6);

    const held = await client.reserve(A, { qty: 3, reference: 'order-1' });
    await client.extend(held.reservation.id, 60_000);
    await client.release(held.reservation.id, [{ ...A, qty: 1 }]);
    const sold = await client.commit(held.reservation.id);
    expect(sold.reservation.lines[0]).toMatchObject({ held: 0, committed: 2, released: 1 });
    expect(await client.reservation(held.reservation.id)).toMatchObject({ status: 'committed' });
    expect(await client.reservation('unknown')).toBeUndefined();

    const order = {
      lines: [
        { ...A, qty: 1 },
        { ...C, qty: 2 },
      ],
      reference: 'order-2',
    };
    const { reservation } = await client.createReservation(order);
    const [found] = await collected(client.reservations('order-2'));
    expect(found).toEqual(reservation);
    await client.transfer({ from: 'STORE001', to: 'STORE002', lines: [{ sku: A.sku, qty: 4 }] });
    const both = await client.batch([
      { op: 'adjust', ...A, delta: 1 },
      { op: 'reserve', ...C, qty: 1 },
    ]);
    expect(both.results.map(({ status }) => status)).toEqual([200, 201]);

    expect(await client.record(A)).toMatchObject({ onHand: 13, reserved: 1, qty: 12 });
    expect(await client.record(A, { at: 2 })).toMatchObject({ onHand: 18, version: 2 });
    const records = await collected(client.records('STORE002', { pageSize: 1 }));
    expect(records.map(({ sku }) => sku)).toEqual(['A B', 'C']);
    const history = await collected(client.history(A, { pageSize: 2 }));
    expect(history.map(({ lines }) => lines.find(({ sku }) => sku === A.sku)?.version)).toEqual([
      8, 7, 6, 5, 4, 3, 2, 1,
    ]);
    const position = await client.position();
    expect(position).toEqual({ node: 'memory', sequence: 11 });
    const page = await client.eventsPage({ after: 9 });
    expect(page.items.map(({ sequence }) => sequence)).toEqual([10, 11]);
  });

  it('throws what the service refuses, with all that it says', async () => {
    const client = clientOf(await startEdge());
    await client.adjust(A, { delta: 2 });

    const error = await client.reserve(A, { qty: 3 }).catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(InventoryProblem);
    expect(error).toMatchObject({
      code: 'insufficient-stock',
      status: 422,
      problem: { lines: [{ ...A, requested: 3, available: 2, version: 1 }] },
    });
    expect(await codeOf(client.adjust(A, { delta: 0 }))).toBe('validation-failed');
  });

  it.each(['request', 'answer'] as const)(
    'that lost an attempt (the %s) sends it again with its key: it happens once',
    async (what) => {
      const edge = await startEdge();
      const { client, sent } = lossyClient(edge, (attempt) =>
        attempt % 3 === 0 ? 'nothing' : what,
      );

      await client.adjust(A, { delta: 5 });
      const { reservation } = await client.reserve(A, { qty: 2 });
      await client.commit(reservation.id);

      expect(await clientOf(edge).record(A)).toMatchObject({ onHand: 3, reserved: 0, version: 3 });
      const keys = sent.map(({ idempotencyKey }) => idempotencyKey);
      expect(new Set(keys).size).toBe(3);
      expect(new Set(keys.slice(0, 3)).size).toBe(1);
    },
  );

  it('asks under the key that it is given, and gets the same outcome again', async () => {
    const edge = await startEdge();
    const first = await clientOf(edge).adjust(A, { delta: 5 }, { idempotencyKey: 'mine' });
    const second = await clientOf(edge).adjust(A, { delta: 5 }, { idempotencyKey: 'mine' });
    expect(second).toEqual(first);
  });

  it('gives up in the end: nothing was executed while the service turned it away', async () => {
    const edge = await startEdge();
    edge.drain();

    const asked = clientOf(edge, { retryForMs: 10 }).adjust(A, { delta: 1 });

    const error = await asked.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NoAnswerError);
    expect(error).toMatchObject({ outcome: 'not-executed' });
  });

  it('stops at once when it is told to', async () => {
    const edge = await startEdge();
    edge.drain();
    const told = new AbortController();
    const client = clientOf(edge, { backoffBaseMs: 60_000, backoffMaxMs: 60_000, retryForMs: 1e9 });
    const asked = client.adjust(A, { delta: 1 }, { signal: told.signal });
    setTimeout(() => told.abort(new Error('enough')), 20);

    await expect(asked).rejects.toThrow(/enough|aborted/);
  });
});

describe('a mistake of the caller', () => {
  it.each(['127.0.0.1:3000', 'localhost', 'ftp://127.0.0.1/', ''])(
    'the URL %j: is said at once',
    (url) => {
      expect(() => new InventoryClient({ url })).toThrow(/must be http/);
    },
  );

  it.each(['http://user:secret@127.0.0.1/', 'http://127.0.0.1/?a=1', 'http://127.0.0.1/#a'])(
    'the URL %j: is said at once, and not repeated',
    (url) => {
      expect(() => new InventoryClient({ url })).toThrow(/more than a host and a path$/);
    },
  );

  it('none is a blank behind the URL, or a header in other letters', async () => {
    const { port } = await startEdge();
    const headers = { accept: 'application/json', 'content-type': 'text/plain' };
    const client = new InventoryClient({ url: `http://127.0.0.1:${port}/ `, headers });
    await client.adjust(A, { delta: 1 });
    for await (const { sequence } of client.events()) {
      expect(sequence).toBe(1);
      break;
    }
  });

  it('a header that none can hold: is said at once, to those who follow, too', async () => {
    const { port } = await startEdge();
    const headers = { Authorization: 'Bearer \u0100' };
    const client = new InventoryClient({ url: `http://127.0.0.1:${port}`, headers });
    await expect(client.events().next()).rejects.toThrow(TypeError);
  });

  it('a key that no header can hold: is said at once, and nothing was sent', async () => {
    const client = clientOf(await startEdge());
    const asked = client.adjust(A, { delta: 1 }, { idempotencyKey: 'Bestellung-\u20ac5' });
    await expect(asked).rejects.toThrow(TypeError);
  });
});

describe('a hold', () => {
  const order = { lines: [{ ...A, qty: 4 }], reference: 'order-7' };

  it('is sold when the work is done', async () => {
    const client = clientOf(await startEdge());
    await client.adjust(A, { delta: 10 });

    const paid = await client.hold(order, async ({ status }) => `paid while ${status}`);

    expect(paid).toBe('paid while active');
    expect(await client.record(A)).toMatchObject({ onHand: 6, reserved: 0 });
  });

  it('is free again when the work fails', async () => {
    const client = clientOf(await startEdge());
    await client.adjust(A, { delta: 10 });

    const failed = client.hold(order, () => Promise.reject(new Error('no money')));

    await expect(failed).rejects.toThrow('no money');
    expect(await client.record(A)).toMatchObject({ onHand: 10, reserved: 0 });
  });

  it('goes on under its key where it was cut off: nothing is sold twice', async () => {
    const client = clientOf(await startEdge());
    await client.adjust(A, { delta: 10 });
    const options = { idempotencyKey: 'order-7' };

    await client.createReservation(order, options);
    await client.hold(order, async () => 'paid', options);

    expect(await client.record(A)).toMatchObject({ onHand: 6, reserved: 0, version: 3 });
  });

  it('is looked at again only where its key was used before', async () => {
    const edge = await startEdge();
    const sent: string[] = [];
    const real = createTransport({
      url: urlOf(edge),
      attemptTimeoutMs: 5_000,
      environment: nodeEnvironment,
    });
    const transport: Transport = {
      send(request) {
        sent.push(`${request.method} ${request.path.split('/')[2] ?? ''}`);
        return real.send(request);
      },
    };
    const client = clientOf(edge, { transport });
    await client.adjust(A, { delta: 10 });
    sent.length = 0;

    await client.hold(order, async () => 'paid', { idempotencyKey: 'order-7' });

    expect(sent).toEqual(['POST reservations', 'POST reservations']);
  });

  it.each(['released', 'committed'] as const)(
    'does no work under a key whose hold was %s',
    async (status) => {
      const client = clientOf(await startEdge());
      await client.adjust(A, { delta: 10 });
      const options = { idempotencyKey: 'order-7' };
      let worked = 0;
      const work = async () => {
        worked += 1;
        if (status === 'released') throw new Error('no money');
      };
      await client.hold(order, work, options).catch(() => undefined);

      await expect(client.hold(order, work, options)).rejects.toMatchObject({
        code: 'reservation-not-active',
        problem: { reservationStatus: status },
      });
      expect(worked).toBe(1);
    },
  );
});

describe('a change', () => {
  it('is decided anew where others come between, until it is made', async () => {
    const client = clientOf(await startEdge());
    const changers = Array.from({ length: 8 }, () =>
      client.change(A, (record) => ({ onHand: (record?.onHand ?? 0) + 1 })),
    );

    await Promise.all(changers);

    expect(await client.record(A)).toMatchObject({ onHand: 8, version: 8 });
  });

  it('may be of units, or nothing at all', async () => {
    const client = clientOf(await startEdge());

    await client.change(A, () => ({ delta: 5, reason: 'new' }));
    await client.change(A, (record) => (record?.qty === 5 ? { delta: -2 } : undefined));
    const nothing = await client.change(A, () => undefined);

    expect(nothing).toBeUndefined();
    expect(await client.record(A)).toMatchObject({ onHand: 3, version: 2 });
  });
});

describe('operations each on their own', () => {
  it('are asked again where they were not executed, and only those', async () => {
    let executed = 0;
    const around = (real: InventoryService): InventoryService => ({
      ...real,
      execute(command, keyed) {
        executed += 1;
        if (executed === 2) return Promise.reject(new UnavailableError('lock-contended', 1_000));
        return real.execute(command, keyed);
      },
    });
    const client = clientOf(await startEdge({ around }));

    const { results, sequence } = await client.batchEach([
      { op: 'adjust', ...A, delta: 1 },
      { op: 'adjust', ...C, delta: 2 },
      { op: 'adjust', ...A, delta: -5 },
    ]);

    expect(results.map(({ status }) => status)).toEqual([200, 200, 422]);
    expect(sequence).toBe(3);
    expect(executed).toBe(4);
    expect(await client.record(C)).toMatchObject({ onHand: 2 });
  });

  it.each([
    ['a page', 401, '<html>'],
    ['somebody else', 200, '{"page":"login"}'],
    ['half of the results', 200, '{"results":[]}'],
  ])('are not lost with their keys where a later round is answered by %s', async (...played) => {
    const [, status, body] = played;
    let rounds = 0;
    const done = { status: 200, sequence: 1 };
    const problem = { type: '/problems/overloaded', code: 'overloaded', status: 503 };
    const server = createServer((request, response) => {
      rounds += 1;
      request.resume();
      if (rounds > 1) response.writeHead(status, { 'Content-Type': 'text/html' }).end(body);
      else response.end(JSON.stringify({ results: [done, { status: 503, problem }] }));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    const client = clientOf(server.address() as AddressInfo);

    await expect(
      client.batchEach([
        { op: 'adjust', ...A, delta: 1 },
        { op: 'adjust', ...C, delta: 2 },
      ]),
    ).rejects.toMatchObject({
      name: 'NoAnswerError',
      outcome: 'unknown',
      operations: [
        { ...A, idempotencyKey: expect.any(String) },
        { ...C, idempotencyKey: expect.any(String) },
      ],
    });
    expect(rounds).toBe(2);
  });

  it('have keys, also those whose key is undefined: none is executed twice', async () => {
    const keys: unknown[] = [];
    const around = (real: InventoryService): InventoryService => ({
      ...real,
      execute(command, keyed) {
        keys.push(keyed);
        return real.execute(command, keyed);
      },
    });
    const client = clientOf(await startEdge({ around }));
    const row: { key?: string } = {};
    const operation = { op: 'adjust', ...A, delta: 1, idempotencyKey: row.key };
    await client.batchEach([operation as never]);
    expect(keys).toEqual([expect.objectContaining({ key: expect.any(String) })]);
  });
});
