import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type Edge,
  type EdgeOptions,
  expectProblem,
  recordPath,
  startEdge,
} from '../../support/http-edge.js';
import { httpLimits } from '../../../src/http/server/http-server.js';
import { createFakeClock } from '../../support/fake-clock.js';
import { createFakeTimers } from '../../support/fake-timers.js';
import { openStream } from '../../support/stream-reader.js';
import { exchange, lastRequest, request, statusesOf } from '../raw-exchange.js';

const RECORD = recordPath('SKU123');
const ADJUST = `${RECORD}/adjust`;
const JSON_TYPE = { 'Content-Type': 'application/json' };

/** Writes wait until they are let go. */
function heldBack(): { options: EdgeOptions; release: () => void; waiting: () => number } {
  let release!: () => void;
  let waiting = 0;
  const released = new Promise<void>((resolve) => (release = resolve));
  const options: EdgeOptions = {
    around: (real) => ({
      ...real,
      async execute(command, keyed) {
        waiting += 1;
        await released;
        return await real.execute(command, keyed);
      },
    }),
  };
  return { options, release, waiting: () => waiting };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(1);
}

const queuedWrites = (edge: Edge): number => edge.admission.statistics().lanes.writes.queued;

describe('the rate limit', () => {
  const limit = { perSecond: 2, burst: 4 };

  it('answers 429 beyond the quota, and says when to come back', async () => {
    const edge = await startEdge({ admission: { limit } });
    await edge.stock('SKU123', 5);
    for (let left = 3; left >= 0; left -= 1) {
      const { status, headers } = await edge.get(RECORD);
      expect(status).toBe(200);
      expect(headers['ratelimit-policy']).toBe('"default";q=4;w=2');
      expect(headers['ratelimit']).toBe(`"default";r=${left};t=${Math.ceil((4 - left) / 2)}`);
    }

    const refused = await edge.get(RECORD, { 'X-Request-Id': 'mine' });

    expectProblem(refused, 429, 'rate-limited');
    expect(refused.body).toMatchObject({ instance: RECORD, requestId: 'mine' });
    expect(refused.headers).toMatchObject({
      'x-request-id': 'mine',
      'retry-after': '1',
      ratelimit: '"default";r=0;t=2',
    });
    edge.advance(500);
    expect((await edge.get(RECORD)).status).toBe(200);
  });

  it('refuses without a trace: the same key executes once it is let in', async () => {
    const edge = await startEdge({ admission: { limit: { perSecond: 1, burst: 1 } } });
    await edge.stock('SKU123', 5);
    await edge.get(RECORD);
    const key = { 'Idempotency-Key': 'K' };
    const before = edge.repository.durableSequence();
    expectProblem(await edge.post(ADJUST, { delta: 1 }, key), 429, 'rate-limited');
    expect(edge.repository.durableSequence()).toBe(before);
    edge.advance(1_000);
    const done = await edge.post(ADJUST, { delta: 1 }, key);
    expect(done).toMatchObject({ status: 200, body: { record: { onHand: 6 } } });
    expect(done.headers['idempotent-replayed']).toBeUndefined();
  });

  it('counts everything but health and metrics', async () => {
    const edge = await startEdge({ admission: { limit: { perSecond: 1, burst: 1 } } });
    expect((await edge.get('/nothing')).status).toBe(404);
    for (const path of ['/nothing', RECORD, '/api/openapi.json', '/api/healthy', '/metrics/x']) {
      expectProblem(await edge.get(path), 429, 'rate-limited');
    }
    for (const path of ['/api/health', '/api/health/liveness', '/api/health?verbose=1']) {
      const reply = await edge.get(path);
      expect(reply.status).not.toBe(429);
      expect(reply.headers['ratelimit']).toBeUndefined();
    }
  });

  it('does not count health and metrics either where the request names the whole URL', async () => {
    const edge = await startEdge({ admission: { limit: { perSecond: 1, burst: 1 } } });
    const answers = await exchange(edge.port, [
      request('GET http://inventory.test/api/health/liveness'),
      request('GET http://inventory.test/nothing'),
      request('GET http://inventory.test/nothing?x=http://a/api/health'),
      lastRequest('GET http://inventory.test/metrics'),
    ]);
    expect(statusesOf(answers)).toEqual([200, 404, 429, 200]);
  });

  it('is of the client that a trusted proxy names; nobody else is believed', async () => {
    const options = { admission: { limit: { perSecond: 1, burst: 1 } } };
    const proxied = await startEdge({ ...options, trustProxy: 1 });
    const as = (client: string) => ({ 'X-Forwarded-For': client });
    expect((await proxied.get('/nothing', as('203.0.113.1'))).status).toBe(404);
    expect((await proxied.get('/nothing', as('203.0.113.2'))).status).toBe(404);
    expect((await proxied.get('/nothing', as('203.0.113.1'))).status).toBe(429);
    // what the client itself put before the proxy's word
    expect((await proxied.get('/nothing', as('198.51.100.7, 203.0.113.2'))).status).toBe(429);

    const direct = await startEdge(options);
    expect((await direct.get('/nothing', as('203.0.113.1'))).status).toBe(404);
    expect((await direct.get('/nothing', as('203.0.113.2'))).status).toBe(429);
  });
});

describe('a connection that is closed for a request', () => {
  it('has nothing executed that came behind it', async () => {
    const edge = await startEdge({
      trustProxy: 1,
      admission: { limit: { perSecond: 1, burst: 1 } },
    });
    await edge.stock('SKU123', 5);
    const [one, other, third] = [1, 2, 3].map((host) => ({
      'X-Forwarded-For': `203.0.113.${host}`,
    }));
    await edge.get(RECORD, one);
    const ofUnknownSize = { ...JSON_TYPE, ...one, 'Transfer-Encoding': 'chunked' };
    const answers = await exchange(
      edge.port,
      Buffer.concat([
        request(`POST ${ADJUST}`, ofUnknownSize, 'b\r\n{"delta":1}\r\n0\r\n\r\n'),
        lastRequest(`POST ${ADJUST}`, { ...JSON_TYPE, ...other }, '{"delta":1}'),
      ]),
    );
    expect(statusesOf(answers)).toEqual([429]);
    expect((await edge.get(RECORD, third)).body).toMatchObject({ onHand: 5 });
  });

  it('has everything answered that came before it, also where that had to wait', async () => {
    const { options, release, waiting } = heldBack();
    const timers = createFakeTimers(createFakeClock());
    const edge = await startEdge({ ...options, timers, admission: { queueMax: 1 } });
    await edge.stock('SKU123', 5);
    const taken = edge.post(ADJUST, { delta: 1 });
    await until(() => waiting() === 1);
    await refuseAllThatMayBe(edge);
    const ofUnknownSize = { ...JSON_TYPE, 'Transfer-Encoding': 'chunked' };
    const answers = exchange(
      edge.port,
      Buffer.concat([
        request(`POST ${ADJUST}`, JSON_TYPE, '{"delta":2}'),
        request(`POST ${ADJUST}`, ofUnknownSize, 'b\r\n{"delta":4}\r\n0\r\n\r\n'),
        request(`POST ${ADJUST}`, JSON_TYPE, '{"delta":8}'),
      ]),
    );
    await until(() => edge.admission.statistics().lanes.writes.shed === REFUSED_AT_ONCE + 1);
    release();
    expect(statusesOf(await answers)).toEqual([200, 503]);
    expect((await taken).status).toBe(200);
    expect((await edge.get(RECORD)).body).toMatchObject({ onHand: 8 });
    expect(edge.admission.inFlight()).toBe(0);
  });

  it('has its last request answered, whatever is sent behind it', async () => {
    const edge = await startEdge();
    await edge.stock('SKU123', 5);
    const last = lastRequest(`POST ${ADJUST}`, JSON_TYPE, '{"delta":1}');
    const answers = await exchange(edge.port, Buffer.concat([last, last]));
    expect(statusesOf(answers)).toEqual([200]);
    expect((await edge.get(RECORD)).body).toMatchObject({ onHand: 6 });
    expect(edge.admission.inFlight()).toBe(0);
  });
});

/** A tenth of a second's, while the clock stands. */
const REFUSED_AT_ONCE = 150;

async function refuseAllThatMayBe(edge: Edge): Promise<void> {
  for (let count = 0; count < REFUSED_AT_ONCE; count += 1) {
    expect((await edge.post(ADJUST, { delta: 1_000 })).status).toBe(503);
  }
}

/** One write is taken in, and nobody may be refused at present: whoever comes next waits. */
async function fullOfWrites() {
  const { options, release, waiting } = heldBack();
  const edge = await startEdge({ ...options, admission: { queueMax: 1 } });
  await edge.stock('SKU123', 5);
  const taken = edge.post(ADJUST, { delta: 1 });
  await until(() => waiting() === 1);
  await refuseAllThatMayBe(edge);
  return { edge, release, taken };
}

describe('a full queue of writes', () => {
  it('sheds the next write and leaves nothing of it; reads and health go on', async () => {
    const { options, release, waiting } = heldBack();
    const edge = await startEdge({ ...options, admission: { queueMax: 2 } });
    await edge.stock('SKU123', 5);
    const taken = [1, 2].map((delta) => edge.post(ADJUST, { delta }));
    await until(() => waiting() === 2);

    const shed = await edge.post(ADJUST, { delta: 4 }, { 'Idempotency-Key': 'K' });

    expectProblem(shed, 503, 'overloaded');
    // 1 s, spread over twice the time
    expect(shed.headers['retry-after']).toBe('2');
    expect(await edge.get(RECORD)).toMatchObject({ status: 200, body: { onHand: 5 } });
    expect((await edge.get('/api/health')).status).toBe(200);
    release();
    expect((await Promise.all(taken)).map(({ status }) => status)).toEqual([200, 200]);
    expect(edge.admission.statistics().lanes).toMatchObject({
      writes: { queued: 0, queueMax: 2, admitted: 2, shed: 1 },
      reads: { queued: 0, admitted: 1, shed: 0 },
    });
    expect(waiting()).toBe(2);
    // a retry after "not executed" executes
    const done = await edge.post(ADJUST, { delta: 4 }, { 'Idempotency-Key': 'K' });
    expect(done).toMatchObject({ status: 200, body: { record: { onHand: 12 } } });
  });

  it('keeps the connection of who is shed', async () => {
    const { options, release, waiting } = heldBack();
    const edge = await startEdge({ ...options, admission: { queueMax: 1 } });
    await edge.stock('SKU123', 5);
    const taken = edge.post(ADJUST, { delta: 1 });
    await until(() => waiting() === 1);
    const answers = await exchange(edge.port, [
      request(`POST ${ADJUST}`, JSON_TYPE, '{"delta":1}'),
      lastRequest(`GET ${RECORD}`),
    ]);
    expect(statusesOf(answers)).toEqual([503, 200]);
    release();
    await taken;
  });

  it('does not ask for the body of who waits to be asked, and closes', async () => {
    const { options, release, waiting } = heldBack();
    const edge = await startEdge({ ...options, admission: { queueMax: 1 } });
    await edge.stock('SKU123', 5);
    const asking = { ...JSON_TYPE, Expect: '100-continue', 'Content-Length': '11' };
    const taken = exchange(
      edge.port,
      [request(`POST ${ADJUST}`, { ...asking, Connection: 'close' }), '{"delta":1}'],
      50,
    );
    await until(() => waiting() === 1);
    const shed = await exchange(edge.port, request(`POST ${ADJUST}`, asking));
    expect(statusesOf(shed)).toEqual([503]);
    expect(shed).toContain('Connection: close');
    release();
    expect(statusesOf(await taken)).toEqual([100, 200]);
  });

  it('does not read a large body to its end, and closes', async () => {
    const { options, release, waiting } = heldBack();
    const edge = await startEdge({ ...options, admission: { queueMax: 1 } });
    const taken = edge.post(ADJUST, { delta: 1 });
    await until(() => waiting() === 1);
    const large = { ...JSON_TYPE, 'Content-Length': '2000000' };
    const shed = await exchange(edge.port, request('POST /api/inventory/batch', large));
    expect(statusesOf(shed)).toEqual([503]);
    expect(shed).toContain('Connection: close');
    release();
    await taken;
  });

  it('has room again for who went away before the answer', async () => {
    const { options, release, waiting } = heldBack();
    const edge = await startEdge({ ...options, admission: { queueMax: 1 } });
    await edge.stock('SKU123', 5);
    const socket = connect(edge.port, '127.0.0.1');
    socket.write(request(`POST ${ADJUST}`, JSON_TYPE, '{"delta":1}'));
    await until(() => waiting() === 1);
    socket.destroy();
    await until(() => queuedWrites(edge) === 0);
    release();
    expect((await edge.post(ADJUST, { delta: 2 })).status).toBe(200);
  });

  it('has room again for all that a connection brought at once, when it is closed', async () => {
    const { options, release, waiting } = heldBack();
    const edge = await startEdge({ ...options, admission: { queueMax: 3 } });
    await edge.stock('SKU123', 5);
    const socket = connect(edge.port, '127.0.0.1');
    const write = request(`POST ${ADJUST}`, JSON_TYPE, '{"delta":1}');
    socket.write(Buffer.concat([write, write, write]));
    await until(() => waiting() === 3);
    socket.destroy();
    await until(() => queuedWrites(edge) === 0);
    release();
    expect((await edge.post(ADJUST, { delta: 2 })).status).toBe(200);
    expect(edge.admission.inFlight()).toBe(0);
  });

  it('has room again for who does not read the answers, when that has lasted', async () => {
    const limits = { ...httpLimits, stallTimeoutMs: 100 };
    const edge = await startEdge({ limits, admission: { queueMax: 1_000 } });
    const socket = connect(edge.port, '127.0.0.1').pause();
    // More than the kernel keeps for it.
    const large = request('GET /api/openapi.json');
    socket.write(Buffer.concat(Array.from({ length: 100 }, () => large)));
    await until(() => edge.admission.statistics().lanes.reads.queued > 0);

    await until(() => edge.admission.inFlight() === 0);

    socket.destroy();
  });

  it('refuses only so many in a time: others wait for room, or are refused when it is too late', async () => {
    const { options, release, waiting } = heldBack();
    const timers = createFakeTimers(createFakeClock());
    const edge = await startEdge({ ...options, timers, admission: { queueMax: 2 } });
    await edge.stock('SKU123', 5);
    const taken = [1, 2].map((delta) => edge.post(ADJUST, { delta }));
    await until(() => waiting() === 2);
    await refuseAllThatMayBe(edge);
    const writes = () => edge.admission.statistics().lanes.writes;
    const old = edge.post(ADJUST, { delta: 1_000 });
    await until(() => writes().waiting === 1);
    edge.advance(600);
    const young = edge.post(ADJUST, { delta: 4 });
    await until(() => writes().waiting === 2);
    expect(edge.admission.inFlight()).toBe(4);
    edge.advance(600);

    release();

    expect((await young).status).toBe(200);
    expect((await Promise.all(taken)).map(({ status }) => status)).toEqual([200, 200]);
    expect(writes()).toMatchObject({ queued: 0, waiting: 1 });
    await timers.pass(10);
    expectProblem(await old, 503, 'overloaded');
    expect((await edge.get(RECORD)).body).toMatchObject({ onHand: 12 });
    expect(edge.admission.inFlight()).toBe(0);
  });

  it('begins nothing of a connection before what came on it earlier, and waits', async () => {
    const { edge, release, taken } = await fullOfWrites();
    const answers = exchange(
      edge.port,
      Buffer.concat([
        request(`POST ${ADJUST}`, JSON_TYPE, '{"delta":10}'),
        lastRequest(`POST ${ADJUST}`, JSON_TYPE, '{"delta":100}'),
      ]),
    );
    await until(() => edge.admission.statistics().lanes.writes.waiting === 1);
    release();
    expect(statusesOf(await answers)).toEqual([200, 503]);
    expect((await taken).status).toBe(200);
    expect((await edge.get(RECORD)).body).toMatchObject({ onHand: 16 });
  });

  it('finishes what waits when the server drains', async () => {
    const { edge, release, taken } = await fullOfWrites();
    const late = edge.post(ADJUST, { delta: 1_000 });
    await until(() => edge.admission.statistics().lanes.writes.waiting === 1);
    edge.drain();
    release();
    expect((await taken).status).toBe(200);
    expectProblem(await late, 503, 'shutting-down');
    expect((await edge.get('/api/health/liveness')).status).toBe(200);
  });

  it('tells once a second how many were refused, not of each', async () => {
    const told: unknown[] = [];
    const { options, release, waiting } = heldBack();
    const edge = await startEdge({
      ...options,
      admission: { queueMax: 1, onRefused: (refused) => told.push(refused) },
    });
    const taken = edge.post(ADJUST, { delta: 1 });
    await until(() => waiting() === 1);
    for (let count = 0; count < 5; count += 1) await edge.post(ADJUST, { delta: 1 });
    await until(() => told.length > 0);
    expect(told).toEqual([{ limited: 0, shed: 5 }]);
    release();
    await taken;
  });
});

describe('writes whose bodies are on their way', () => {
  const HEAD = request(`POST ${ADJUST}`, { ...JSON_TYPE, 'Content-Length': '11' });
  const BODY = '{"delta":1}';
  const writes = (edge: Edge) => edge.admission.statistics().lanes.writes;

  function begin(edge: Edge, count: number): Socket[] {
    return Array.from({ length: count }, () => {
      const socket = connect(edge.port, '127.0.0.1');
      onTestFinished(() => void socket.destroy());
      socket.write(HEAD);
      return socket;
    });
  }

  it("take nobody's place, and are not begun without end", async () => {
    const edge = await startEdge({ admission: { queueMax: 2 } });
    await edge.stock('SKU123', 5);
    const slow = begin(edge, 7);
    await until(() => writes(edge).receiving === 7);
    expect(writes(edge).queued).toBe(0);
    expect((await edge.post(ADJUST, { delta: 1 })).status).toBe(200);
    slow.push(...begin(edge, 1));
    await until(() => writes(edge).receiving === 8);
    expectProblem(await edge.post(ADJUST, { delta: 1 }), 503, 'overloaded');

    slow[0]?.destroy();
    await until(() => writes(edge).receiving === 7);
    expect((await edge.post(ADJUST, { delta: 1 })).status).toBe(200);
    expect(edge.admission.inFlight()).toBe(7);
  });

  it('keep waiting those for whom there is no room beside them', async () => {
    const edge = await startEdge({ admission: { queueMax: 1 } });
    await edge.stock('SKU123', 5);
    const slow = begin(edge, 4);
    await until(() => writes(edge).receiving === 4);
    await refuseAllThatMayBe(edge);
    const waiting = edge.post(ADJUST, { delta: 1 });
    await until(() => writes(edge).waiting === 1);
    await sleep(50);
    expect(writes(edge)).toMatchObject({ waiting: 1, receiving: 4 });
    slow[0]?.destroy();
    expect((await waiting).status).toBe(200);
  });

  it('are refused where more come than there are places for, and leave nothing', async () => {
    const { options, release, waiting } = heldBack();
    const edge = await startEdge({ ...options, admission: { queueMax: 2 } });
    await edge.stock('SKU123', 5);
    const slow = begin(edge, 3);
    await until(() => writes(edge).receiving === 3);
    const answers = slow.map(async (socket) => String((await once(socket, 'data'))[0]));
    for (const socket of slow) socket.write(BODY);

    const shed = await Promise.race(answers);
    expect(statusesOf(shed)).toEqual([503]);
    await until(() => waiting() === 2);
    release();
    const statuses = (await Promise.all(answers)).flatMap(statusesOf);
    expect(statuses.sort()).toEqual([200, 200, 503]);
    expect((await edge.get(RECORD)).body).toMatchObject({ onHand: 7 });
  });
});

describe('who waits for the central view', () => {
  it('does not take a place in the queue of reads', async () => {
    const edge = await startEdge({ admission: { queueMax: 1 } });
    await edge.stock('SKU123', 5);
    const waiting = edge.get('/api/inventory/skus/SKU123?minSequence=9&waitMs=300');
    await until(() => edge.admission.statistics().lanes.reads.admitted === 1);
    await until(() => edge.admission.inFlight() === 0);
    expect((await edge.get(RECORD)).status).toBe(200);
    expectProblem(await waiting, 503, 'aggregate-behind');
  });
});

describe('a stream of the feed', () => {
  it('does not take a place in the queue of reads', async () => {
    const edge = await startEdge({ admission: { queueMax: 1 } });
    await edge.stock('SKU123', 5);
    const stream = await openStream(edge.port, '/api/events');
    await stream.received('id: 1\n');
    expect(stream.response.headers).toHaveProperty('ratelimit');
    expect(edge.admission.statistics().lanes.reads).toMatchObject({ queued: 0, admitted: 1 });
    expect((await edge.get(RECORD)).status).toBe(200);
  });
});

describe('a request whose turn comes late', () => {
  it('is shed: it waited while what came with it was served', async () => {
    const late: { edge?: Edge } = {};
    const executed: string[] = [];
    const edge = await startEdge({
      around: (real) => ({
        ...real,
        execute(command, keyed) {
          executed.push(command.type);
          // what takes long
          late.edge?.advance(1_500);
          return real.execute(command, keyed);
        },
      }),
    });
    late.edge = edge;
    await edge.stock('SKU123', 5);
    const answers = await exchange(
      edge.port,
      Buffer.concat([
        request(`POST ${ADJUST}`, JSON_TYPE, '{"delta":1}'),
        lastRequest(`POST ${ADJUST}`, JSON_TYPE, '{"delta":1}'),
      ]),
    );
    expect(statusesOf(answers)).toEqual([200, 503]);
    expect(edge.admission.statistics().lanes.writes.shed).toBe(1);
    expect(executed).toHaveLength(1);
    expect(await edge.get(RECORD)).toMatchObject({ body: { onHand: 6 } });
  });
});

describe('the circuit breaker of a lane', () => {
  const breaker = { threshold: 0.5, cooldownMs: 30_000 };

  /** Fails as long as it is told to. */
  async function failingEdge(): Promise<{ edge: Edge; failure: { now: boolean } }> {
    const failure = { now: true };
    const edge = await startEdge({
      admission: { breaker },
      around: (real) => ({
        ...real,
        execute: (command, keyed) =>
          failure.now ? Promise.reject(new Error('a defect')) : real.execute(command, keyed),
      }),
    });
    await edge.stock('SKU123', 5);
    return { edge, failure };
  }

  const stateOf = (edge: Edge) => edge.admission.statistics().lanes.writes.breaker.state;

  it('opens when half of the writes fail, refuses them unexecuted, and closes by a probe', async () => {
    const { edge, failure } = await failingEdge();
    for (let count = 0; count < 100; count += 1) {
      expect((await edge.post(ADJUST, { delta: 1 })).status).toBe(500);
    }
    expect(stateOf(edge)).toBe('open');
    failure.now = false;
    const refused = await edge.post(ADJUST, { delta: 1 });
    expectProblem(refused, 503, 'overloaded');
    expect(refused.headers['retry-after']).toBe('45');
    expect(await edge.get(RECORD)).toMatchObject({ status: 200, body: { onHand: 5 } });
    edge.advance(30_000);
    expect((await edge.post(ADJUST, { delta: 1 })).status).toBe(200);
    expect(stateOf(edge)).toBe('closed');
  });

  it('takes refusals for successes, whatever their number', async () => {
    const { edge, failure } = await failingEdge();
    failure.now = false;
    for (let count = 0; count < 120; count += 1) {
      const path = count % 2 === 0 ? recordPath('NONE') : RECORD;
      const { status } = await edge.post(`${path}/reserve`, { qty: 100 });
      expect([404, 422]).toContain(status);
    }
    expect(stateOf(edge)).toBe('closed');
    expect(edge.admission.statistics().lanes.writes.breaker).toMatchObject({ failures: 0 });
  });
});
