import { readdirSync, utimesSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type Exchanged,
  type HttpConnection,
  createHttpConnection,
} from '../support/http-connection.js';
import { expectLogOf } from '../support/logged-events.js';
import { reportProof } from '../support/proof-figures.js';
import { createRecordHistory } from '../support/record-history.js';
import { SharedKnowledge } from '../support/record-load.js';
import {
  type SeededRandom,
  chosenSeed,
  createSeededRandom,
  proofScale,
} from '../support/seeded-random.js';
import { type Acknowledged, SharingServers, runSharingClient } from '../support/sharing-servers.js';
import { cleanUp, temporaryDirectory } from '../support/spawned-server.js';

const SERVERS = 4;
const CLIENTS = 64;
const RECORDS = 1_000;
/** Three in CI; PROOF_SCALE=33 makes it the hundred of a long run. */
const ROUNDS = Math.round(3 * proofScale());
/** Less is not taken for stale, whatever it is set to. */
const LEASE_TTL_MS = 2_000;
const QUIET_MS = 500;
/** Keys sent to all servers at once; PROOF_SCALE=14 makes it more than two thousand. */
const KEYS = Math.round(150 * Math.min(proofScale(), 14));
const LANES = 8;
/** How often a lease that somebody has is made to look left behind. */
const STOLEN_MIN = 100;

describe('four servers on one directory', { timeout: 60_000 + KEYS * 400 }, () => {
  afterEach(cleanUp);

  it(
    'keep every promise while they are killed and frozen',
    { timeout: 60_000 + ROUNDS * 30_000 },
    async () => {
      const seed = chosenSeed();
      console.info(`four servers: SEED=${seed}, ${ROUNDS} rounds`);
      const random = createSeededRandom(seed);
      const dataDir = temporaryDirectory();
      const servers = new SharingServers(dataDir, {
        LOCK_TTL_MS: String(LEASE_TTL_MS),
        LOCK_RENEW_MS: '1000',
      });
      await servers.start(SERVERS);
      const totals = { calls: 0, refused: 0, unknown: 0 };
      const acknowledged: Acknowledged[] = [];

      for (const [index, disturbance] of disturbances(random).entries()) {
        const round = index + 1;
        const history = createRecordHistory();
        const skus = Array.from({ length: RECORDS }, (_, index) => `SKU${index}`);
        const known = new SharedKnowledge(skus.map((sku) => `S${round}/${sku}` as const));
        let isOver = false;
        const load = {
          servers,
          history,
          known,
          acknowledged,
          hot: `S${round}/HOT` as const,
          hotShare: 0.2,
          isOver: () => isOver,
        };
        const clients = Array.from({ length: CLIENTS }, (_, client) =>
          runSharingClient(load, `r${round}-c${client}`, random.fork()),
        );
        await disturb(servers, disturbance, random);
        isOver = true;
        await Promise.all(clients);

        expect(history.violations()).toEqual([]);
        const { calls, refused, unknown } = history.counts;
        totals.calls += calls;
        totals.refused += refused;
        totals.unknown += unknown;
      }

      expect(await servers.stop()).toEqual(servers.running.map(() => 0));
      const events = await expectLogOf(dataDir, acknowledged);
      const writers = new Set(events.map(({ epoch }) => epoch)).size;
      expect(writers).toBeGreaterThan(SERVERS);
      reportProof({
        promise: 'P1 P2 P3 P4 P9',
        seed,
        wrong: 0,
        fault: `${SERVERS} servers on one directory, killed (kill -9) and frozen (SIGSTOP)`,
        runs: `${ROUNDS} rounds, ${writers} processes`,
        checked: `${acknowledged.length} acknowledged, ${totals.unknown} unknown outcomes, ${totals.refused} refusals, ${totals.calls} calls linearizable`,
      });
    },
  );

  it('lose nothing while several of them hold the same lease', { timeout: 120_000 }, async () => {
    const dataDir = temporaryDirectory();
    const servers = new SharingServers(dataDir, { LOCK_TTL_MS: '2000', LOCK_RENEW_MS: '1000' });
    await servers.start(2);
    const seed = chosenSeed();
    console.info(`doubled leases: SEED=${seed}`);
    const random = createSeededRandom(seed);
    const history = createRecordHistory();
    const acknowledged: Acknowledged[] = [];
    const known = new SharedKnowledge(['S1/A', 'S1/B']);
    let taken = 0;
    const load = {
      servers,
      history,
      known,
      acknowledged,
      hot: 'S1/HOT' as const,
      hotShare: 0.9,
      isOver: () => taken >= STOLEN_MIN,
    };
    const clients = Array.from({ length: 16 }, (_, client) =>
      runSharingClient(load, `c${client}`, random.fork()),
    );
    // Whoever has a lease seems not to have renewed it: the next one to ask has it, too.
    while (taken < STOLEN_MIN) {
      taken += makeLeasesStale(`${dataDir}/locks`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await Promise.all(clients);

    expect(history.violations()).toEqual([]);
    await servers.stop();
    const events = await expectLogOf(dataDir, acknowledged);
    reportProof({
      promise: 'P1 P3 P9',
      seed,
      wrong: 0,
      fault: 'leases of records, taken from servers that still use them',
      runs: `${taken} leases of 2 servers`,
      checked: `${acknowledged.length} acknowledged, ${events.length} events, ${history.counts.calls} calls linearizable`,
    });
  });

  it('give a key that is sent to all of them at once one effect and one answer', async () => {
    const dataDir = temporaryDirectory();
    const servers = new SharingServers(dataDir);
    await servers.start(SERVERS);
    const lanes = Array.from({ length: LANES }, () =>
      servers.running.map(({ url }) => createHttpConnection(url)),
    );
    const path = '/api/inventory/stores/S1/inventory/SKU1';
    await lanes[0]![0]!.send('POST', `${path}/adjust`, { delta: KEYS });
    let sent = 0;
    const runLane = async (connections: readonly HttpConnection[]): Promise<void> => {
      while (sent < KEYS) {
        const key = { 'idempotency-key': `key-${(sent += 1)}` };
        const answers = await Promise.all(
          connections.map((connection) => reserveOne(connection, `${path}/reserve`, key)),
        );
        expect(answers.map((answer) => answer?.status)).toEqual(answers.map(() => 201));
        expect(new Set(answers.map((answer) => answer?.text)).size).toBe(1);
        expect(answers.filter((answer) => answer?.replayed === false)).toHaveLength(1);
      }
    };
    await Promise.all(lanes.map(runLane));

    const record = await lanes[0]![1]!.send('GET', path);
    expect(JSON.parse(record!.text)).toMatchObject({ qty: 0, reserved: KEYS });
    for (const connection of lanes.flat()) connection.close();
    await servers.stop();
    expect(await expectLogOf(dataDir, [])).toHaveLength(1 + KEYS);
    reportProof({
      promise: 'P4 P9',
      fault: 'a key sent to all servers of one directory at once',
      wrong: 0,
      runs: `${KEYS * SERVERS} requests`,
      checked: `${KEYS} keys, one effect and one answer each`,
    });
  });
});

/** Comes again with the same key while another server has the record's lease. */
async function reserveOne(
  { send }: HttpConnection,
  path: string,
  key: Readonly<Record<string, string>>,
): Promise<Exchanged | undefined> {
  for (;;) {
    const answer = await send('POST', path, { qty: 1 }, key);
    if (answer?.status !== 503) return answer;
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'lock-contended' });
  }
}

/** How many there were. */
function makeLeasesStale(directory: string): number {
  const past = new Date(Date.now() - 60_000);
  const locks = readdirSync(directory).filter((name) => name.endsWith('.lock'));
  for (const name of locks) {
    try {
      utimesSync(`${directory}/${name}`, past, past);
    } catch {
      // It was given back just now.
    }
  }
  return locks.length;
}

type Disturbance = 'kill' | 'freeze' | 'both';

/** By chance, but the first three rounds have each of them. */
function disturbances(random: SeededRandom): Disturbance[] {
  const kinds: readonly Disturbance[] = ['kill', 'freeze', 'both'];
  const first = [...kinds];
  return Array.from({ length: ROUNDS }, () =>
    first.length > 0 ? first.splice(random.int(first.length), 1)[0]! : random.pick(kinds),
  );
}

async function disturb(
  servers: SharingServers,
  what: Disturbance,
  random: SeededRandom,
): Promise<void> {
  await quiet(random);
  const frozen = random.int(SERVERS);
  const killed = (frozen + 1 + random.int(SERVERS - 1)) % SERVERS;
  await Promise.all([
    what === 'kill' ? undefined : servers.freeze(frozen, LEASE_TTL_MS + 200 + random.int(500)),
    what === 'freeze' ? undefined : servers.replace(killed),
  ]);
  await quiet(random);
}

function quiet(random: SeededRandom): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, QUIET_MS + random.int(QUIET_MS)));
}
