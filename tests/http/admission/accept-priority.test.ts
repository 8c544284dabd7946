import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createAcceptPriority } from '../../../src/http/admission/accept-priority.js';
import { createSystem } from '../../../src/system.js';
import { type Edge, recordPath, startEdge } from '../../support/http-edge.js';
import { request, statusesOf } from '../raw-exchange.js';

const TIMERS = { immediate: (task: () => void) => void setImmediate(task) };
const ACCEPTS_MIN = 8;
const ACCEPTING_MS_MAX = 500;
const WRITE = request(
  `POST ${recordPath('SKU123')}/adjust`,
  { 'Content-Type': 'application/json' },
  '{"delta":1}',
);

/** On a clock that moves as it is told. */
function orderOf(nowMs = () => 0) {
  const clock = { wallMs: nowMs, monotonicMs: nowMs };
  return createAcceptPriority({ clock, timers: TIMERS }, () => true);
}

/** Takes the place of the loop: in every turn one connection comes, as long as there are any. */
async function letInWhile(connections: number, tasks: number) {
  const order = orderOf();
  const done: number[] = [];
  order.connectionCame();
  for (let task = 0; task < tasks; task += 1) order.afterwards(() => done.push(task));
  let turns = 0;
  while (order.isAccepting) {
    expect(done).toEqual([]);
    if (turns < connections) order.connectionCame();
    turns += 1;
    await turn();
  }
  await turn();
  return { turns, done };
}

describe('new connections', () => {
  it('are let in before what has arrived is begun, in the order in which it came', async () => {
    const { turns, done } = await letInWhile(4, 3);
    expect(turns).toBe(5);
    expect(done).toEqual([0, 1, 2]);
  });

  it('do not keep others from being served, however many come', async () => {
    expect((await letInWhile(Infinity, 1)).turns).toBe(ACCEPTS_MIN + 1);
    expect((await letInWhile(Infinity, 50)).turns).toBe(50 + 1);
  });

  it('are let in before what 100 of them bring', async () => {
    const order = orderOf();
    let begun = 0;
    let turns = 0;
    order.connectionCame();
    while (order.isAccepting) {
      expect(begun).toBe(0);
      if (turns < 100) order.connectionCame();
      order.afterwards(() => (begun += 1));
      turns += 1;
      await turn();
    }
    expect(turns).toBe(101);
    await turn();
    expect(begun).toBe(turns);
  });

  it.each([
    [0.1, ACCEPTING_MS_MAX / 0.1],
    [4, ACCEPTING_MS_MAX / 4],
    [100, ACCEPTS_MIN],
  ])(
    'in turns of %d ms, do not keep others from being served by what they bring',
    async (ms, max) => {
      let begun = 0;
      let turns = 0;
      const order = orderOf(() => turns * ms);
      order.connectionCame();
      while (begun === 0 && turns < 10_000) {
        order.connectionCame();
        order.afterwards(() => (begun += 1));
        order.afterwards(() => (begun += 1));
        turns += 1;
        await turn();
      }
      expect(turns).toBeLessThanOrEqual(max + 2);
      expect(turns).toBeGreaterThanOrEqual(ACCEPTS_MIN);
    },
  );

  it('make nobody wait where there are none', async () => {
    const order = orderOf();
    const done: string[] = [];
    order.afterwards(() => done.push('at once'));
    expect(order.isAccepting).toBe(false);
    await turn();
    expect(done).toEqual(['at once']);
  });

  it('let nothing overtake what has waited for them, and is not begun yet', async () => {
    const order = orderOf();
    const done: string[] = [];
    order.connectionCame();
    order.afterwards(() => done.push('first'));
    while (order.isAccepting) await turn();
    expect(done).toEqual([]);
    expect(order.isInUse).toBe(true);
    order.afterwards(() => done.push('second'));
    await turn();
    expect(done).toEqual(['first', 'second']);
    expect(order.isInUse).toBe(false);
  });

  it('wait for one turn of the loop, and not for one each, while others are served', async () => {
    const busy: { edge?: Edge; executed: number } = { executed: 0 };
    const edge = await startEdge({
      around: (real) => ({
        ...real,
        execute(command, keyed) {
          busy.executed += 1;
          // what takes long
          busy.edge?.advance(5);
          const end = performance.now() + 5;
          while (performance.now() < end);
          return real.execute(command, keyed);
        },
      }),
    });
    busy.edge = edge;
    await edge.stock('SKU123', 5);
    const CLIENTS = 4;
    for (let client = 0; client < CLIENTS; client += 1) {
      const socket = opened(edge.port);
      socket.on('data', () => socket.write(WRITE));
      socket.write(WRITE);
    }
    while (busy.executed < 2 * CLIENTS) await turn();

    const PROBES = 30;
    const before = busy.executed;
    const probes = Array.from({ length: PROBES }, async () => {
      const socket = opened(edge.port);
      socket.write(request('GET /api/health/liveness'));
      return statusesOf(String((await once(socket, 'data'))[0]));
    });
    const answers = await Promise.all(probes);

    expect(answers).toEqual(Array.from({ length: PROBES }, () => [200]));
    // one of them in a turn would be PROBES turns, with a write of every client in each
    expect(busy.executed - before).toBeLessThan((PROBES / 2) * CLIENTS);
  });

  it('let nothing be done for a client that has left meanwhile', async () => {
    const late: { edge?: Edge } = {};
    const executed: string[] = [];
    const turns: (() => void)[] = [];
    const endTurn = () => {
      for (const task of turns.splice(0)) task();
    };
    const edge = await startEdge({
      timers: { after: createSystem().timers.after, immediate: (task) => void turns.push(task) },
      around: (real) => ({
        ...real,
        execute(command, keyed) {
          executed.push(command.type);
          late.edge?.advance(5);
          return real.execute(command, keyed);
        },
      }),
    });
    await edge.stock('SKU123', 5);
    late.edge = edge;
    expect((await edge.post(`${recordPath('SKU123')}/adjust`, { delta: 1 })).status).toBe(200);
    endTurn();
    executed.length = 0;
    const [gone, there] = [opened(edge.port), opened(edge.port)];
    gone.write(WRITE, () => setTimeout(() => gone.destroy(), 50));
    await once(gone, 'close');
    there.write(WRITE);
    // Health is not made to wait: by then the end of the first connection has come, too.
    expect((await edge.get('/api/health/liveness')).status).toBe(200);
    expect(executed).toEqual([]);
    const answer = once(there, 'data');
    while (executed.length === 0) {
      endTurn();
      await turn();
    }
    expect(statusesOf(String((await answer)[0]))).toEqual([200]);
    expect(executed).toEqual(['AdjustStock']);
    expect(edge.admission.inFlight()).toBe(0);
  });
});

describe('where turns are short', () => {
  it('what comes first on a connection is answered at once, though its client has half-closed it', async () => {
    const edge = await startEdge();
    await edge.stock('SKU123', 5);
    const answers = Array.from({ length: 20 }, async () => {
      const socket = connect({ port: edge.port, host: '127.0.0.1', allowHalfOpen: true });
      onTestFinished(() => void socket.destroy());
      socket.end(request(`GET ${recordPath('SKU123')}`));
      return statusesOf(String((await once(socket, 'data'))[0]));
    });
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 20 }, () => [200]));
  });
});

function opened(port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  onTestFinished(() => void socket.destroy());
  return socket;
}
