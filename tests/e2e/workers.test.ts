import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { expectLogOf } from '../support/logged-events.js';
import { createRecordHistory } from '../support/record-history.js';
import { SharedKnowledge } from '../support/record-load.js';
import { chosenSeed, createSeededRandom } from '../support/seeded-random.js';
import { type Acknowledged, runSharingClient } from '../support/sharing-servers.js';
import {
  cleanUp,
  spawnProcess,
  spawnServer,
  temporaryDirectory,
} from '../support/spawned-server.js';
import { createStockClient } from '../support/stock-client.js';
import { type WorkersServer, spawnWorkers } from '../support/worker-servers.js';

/** Signals that come together count as one; these are two. */
const ONE_SIGNAL_MS = 600;

const WORKERS = 3;
const CLIENTS = 16;
const KILLS = 3;

/** Clients that write and read until `end`; resolves with what they were promised. */
function startLoad(server: WorkersServer) {
  const seed = chosenSeed();
  console.info(`workers: SEED=${seed}`);
  const random = createSeededRandom(seed);
  const history = createRecordHistory();
  const acknowledged: Acknowledged[] = [];
  let isOver = false;
  let isGone = false;
  const load = {
    servers: { running: [server] },
    history,
    acknowledged,
    hot: 'S1/HOT' as const,
    known: new SharedKnowledge(Array.from({ length: 50 }, (_, index) => `S1/SKU${index}` as const)),
    hotShare: 0.2,
    isOver: () => isOver,
    isGone: () => isGone,
  };
  void server.ended.then(() => (isGone = true));
  const clients = Array.from({ length: CLIENTS }, (_, client) =>
    runSharingClient(load, `c${client}`, random.fork()),
  );
  return {
    history,
    acknowledged,
    random,
    async acknowledgedMore(than: number): Promise<void> {
      while (acknowledged.length <= than) await pause(5);
    },
    async end(): Promise<void> {
      isOver = true;
      await Promise.all(clients);
    },
  };
}

describe('several workers behind one port', () => {
  afterEach(cleanUp);

  it('lose nothing while they are killed, and are replaced', { timeout: 120_000 }, async () => {
    const dataDir = temporaryDirectory();
    const server = await spawnWorkers(WORKERS, { dataDir });
    const load = startLoad(server);

    for (let kill = 1; kill <= KILLS; kill += 1) {
      await load.acknowledgedMore(load.acknowledged.length + 100);
      const pids = await server.serving(WORKERS);
      const killed = load.random.pick(pids);
      process.kill(killed, 'SIGKILL');
      await server.serving(WORKERS, killed);
    }
    await load.acknowledgedMore(load.acknowledged.length + 100);
    await load.end();

    expect(load.history.violations()).toEqual([]);
    server.signal('SIGTERM');
    expect(await server.ended).toBe(0);
    const events = await expectLogOf(dataDir, load.acknowledged);
    expect(new Set(events.map(({ epoch }) => epoch)).size).toBeGreaterThan(1);
  });

  it('all end with 74 when the storage of one fails', { timeout: 60_000 }, async () => {
    const dataDir = temporaryDirectory();
    const failing = `${temporaryDirectory()}/failing`;
    const preload = new URL('../crash/fail-syncs.mjs', import.meta.url);
    const environment = { FAILING_SYNCS: failing };
    const server = await spawnWorkers(WORKERS, { dataDir, environment, preload });
    const load = startLoad(server);
    await load.acknowledgedMore(100);
    const [victim] = await server.serving(WORKERS);

    writeFileSync(failing, String(victim));

    expect(await server.ended, server.output()).toBe(74);
    await load.end();
    expect(load.history.violations()).toEqual([]);
    const again = await spawnServer({ dataDir });
    again.signal('SIGTERM');
    expect(await again.ended).toBe(0);
    await expectLogOf(dataDir, load.acknowledged);
  });

  it('end with their primary, and leave port and directory', { timeout: 60_000 }, async () => {
    const dataDir = temporaryDirectory();
    const server = await spawnWorkers(WORKERS, { dataDir });
    const load = startLoad(server);
    await load.acknowledgedMore(100);
    const pids = await server.serving(WORKERS);

    server.signal('SIGKILL');
    await load.end();
    while (pids.some(isAlive)) await pause(10);

    const { port } = new URL(server.url);
    const again = await spawnServer({ dataDir, environment: { PORT: port } });
    again.signal('SIGTERM');
    expect(await again.ended).toBe(0);
    await expectLogOf(dataDir, load.acknowledged);
  });

  it('finish what is in flight when the primary is told to stop', { timeout: 60_000 }, async () => {
    const dataDir = temporaryDirectory();
    const server = await spawnWorkers(WORKERS, { dataDir });
    const load = startLoad(server);
    await load.acknowledgedMore(300);

    server.signal('SIGTERM');

    expect(await server.ended).toBe(0);
    await load.end();
    await expectLogOf(dataDir, load.acknowledged);
    const manifest = JSON.parse(readFileSync(`${dataDir}/MANIFEST.json`, 'utf8'));
    expect(manifest.clean).not.toBeNull();
  });

  it('end at once at a second signal', { timeout: 60_000 }, async () => {
    const dataDir = temporaryDirectory();
    const environment = { SHUTDOWN_GRACE_MS: '60000' };
    const server = await spawnWorkers(2, { dataDir, environment });
    const pids = await server.serving(2);
    // Requests whose bodies never come keep the first signal waiting.
    const sockets = await Promise.all(pids.map(() => halfRequest(server)));
    server.signal('SIGTERM');
    while (!server.output().includes('stopping all workers')) await pause(10);
    await pause(ONE_SIGNAL_MS);
    server.signal('SIGTERM');

    expect(await server.ended).toBe(130);
    while (pids.some(isAlive)) await pause(10);
    for (const socket of sockets) socket.destroy();
  });

  it('let go of a connection that its worker never took', { timeout: 60_000 }, async () => {
    const server = await spawnWorkers(2, { dataDir: temporaryDirectory() });
    const [frozen = 0] = await server.serving(2);
    process.kill(frozen, 'SIGSTOP');
    const client = createStockClient(server.url);
    // One of them is dealt to the frozen one, where it waits.
    const asked = Array.from({ length: 4 }, () => client.send('GET', '/api/health'));
    const first = await Promise.race(asked);
    expect(first?.status).toBe(200);

    process.kill(frozen, 'SIGKILL');

    const statuses = (await Promise.all(asked)).map((answer) => answer?.status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(3);
    expect(statuses.filter((status) => status === undefined)).toHaveLength(1);
  });

  it('do not start where the first one cannot', async () => {
    const other = await spawnServer({ dataDir: temporaryDirectory() });
    const { port } = new URL(other.url);
    const server = spawnProcess({
      dataDir: temporaryDirectory(),
      environment: { LOCKS_ENABLED: 'true', WORKERS: '2', PORT: port },
    });

    expect(await server.ended).toBe(1);
    expect(server.output().match(/port \d+ on 127.0.0.1 is in use/g)).toHaveLength(1);
  });

  it.each([
    [{ WORKERS: '2' }, 'WORKERS=2: several processes share a directory only with LOCKS_ENABLED'],
    [{ WORKERS: '0', LOCKS_ENABLED: 'true' }, 'WORKERS="0": must be from 1 to 64'],
    [{ WORKERS: '65', LOCKS_ENABLED: 'true' }, 'WORKERS="65": must be from 1 to 64'],
    [{ WORKERS: '-1', LOCKS_ENABLED: 'true' }, 'WORKERS="-1": must be a whole number'],
    [{ WORKERS: '1.5', LOCKS_ENABLED: 'true' }, 'WORKERS="1.5": must be a whole number'],
    [{ WORKERS: 'abc', LOCKS_ENABLED: 'true' }, 'WORKERS="abc": must be a whole number'],
  ])('%j: refused in one line', async (environment, line) => {
    const server = spawnProcess({ dataDir: temporaryDirectory(), environment });

    expect(await server.ended).toBe(78);
    expect(server.output()).toMatch(/^[^\n]+\n$/);
    expect(server.output()).toContain(line);
  });
});

async function halfRequest(server: WorkersServer) {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(
    'POST /api/inventory/stores/S1/inventory/SKU1/adjust HTTP/1.1\r\nHost: x\r\n' +
      'Content-Type: application/json\r\nContent-Length: 20\r\n\r\n{',
  );
  return socket;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
