import { afterEach, expect, it } from 'vitest';
import { reportProof } from '../support/proof-figures.js';
import { type RecordName, createRecordClient } from '../support/record-client.js';
import { type RecordHistory, createRecordHistory } from '../support/record-history.js';
import { SharedKnowledge, runRecordClient } from '../support/record-load.js';
import {
  type SeededRandom,
  chosenSeed,
  createSeededRandom,
  proofScale,
} from '../support/seeded-random.js';
import { cleanUp, spawnServer, temporaryDirectory } from '../support/spawned-server.js';

const CALLS = 10_000;
const ROUNDS = Math.ceil(proofScale());
const CLIENTS = 24;
/** So few that all clients meet on all of them. */
const SKUS = ['A', 'B', 'C', 'D', 'E', 'F'];

afterEach(cleanUp);

it(
  'the histories of concurrent clients of a real server are linearizable, record by record',
  { timeout: 300_000 * ROUNDS },
  async () => {
    const seed = chosenSeed();
    console.info(`linearizability: SEED=${seed}, ${ROUNDS * CALLS} calls of ${CLIENTS} clients`);
    const random = createSeededRandom(seed);
    const { url } = await spawnServer({
      dataDir: temporaryDirectory(),
      environment: { RATE_LIMIT_RPS: '100000', RATE_LIMIT_BURST: '200000' },
    });
    for (let round = 1; round <= ROUNDS; round += 1) {
      const records = SKUS.map((sku): RecordName => `S${round}/${sku}`);

      const history = await historyOf(url, records, random);

      expect(history.violations()).toEqual([]);
      const { calls, refused, unknown } = history.counts;
      expect({ calls, unknown }).toEqual({ calls: CALLS, unknown: 0 });
      // It has something to say only if clients get in each other's way.
      expect(refused).toBeGreaterThan(CALLS / 20);
    }
    reportProof({
      promise: 'P2 P3',
      seed,
      wrong: 0,
      runs: `${CLIENTS} clients on ${SKUS.length} records`,
      fault: 'concurrent clients of the real server',
      checked: `${ROUNDS * CALLS} calls linearizable`,
    });
  },
);

async function historyOf(
  url: string,
  records: readonly RecordName[],
  random: SeededRandom,
): Promise<RecordHistory> {
  const history = createRecordHistory();
  const known = new SharedKnowledge(records);
  let asked = 0;
  const nextKey = () => (asked < CALLS ? `${records[0] ?? ''}-${(asked += 1)}` : undefined);
  const clients = Array.from({ length: CLIENTS }, () => createRecordClient(url, history));
  await Promise.all(clients.map((each) => runRecordClient(each, known, random.fork(), nextKey)));
  for (const client of clients) client.close();
  return history;
}
