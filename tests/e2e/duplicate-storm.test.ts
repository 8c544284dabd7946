import { afterEach, expect, it } from 'vitest';
import { type HttpConnection, createHttpConnection } from '../support/http-connection.js';
import { eventsOnDisk } from '../support/log-on-disk.js';
import { reportProof } from '../support/proof-figures.js';
import { sendCall } from '../support/record-client.js';
import {
  type SeededRandom,
  chosenSeed,
  createSeededRandom,
  proofScale,
} from '../support/seeded-random.js';
import { cleanUp, spawnServer, temporaryDirectory } from '../support/spawned-server.js';

const KEYS = Math.round(250 * proofScale());
const DUPLICATES_EACH = 10;
const CLIENTS = 24;
/** Fewer than keys: some are refused, and stay so when there is enough again. */
const UNITS = Math.round(KEYS / 2);
const RECORD = 'S1/A';
const UNLIMITED = { RATE_LIMIT_RPS: '1000000', RATE_LIMIT_BURST: '1000000' };

afterEach(cleanUp);

it(
  'a storm of duplicates, before and after a crash and after a restock, has one effect and one answer each',
  { timeout: 300_000 * Math.max(1, proofScale()) },
  async () => {
    const seed = chosenSeed();
    console.info(`duplicates: SEED=${seed}, ${KEYS} keys`);
    const storm = new Storm(createSeededRandom(seed));
    const dataDir = temporaryDirectory();
    const first = await spawnServer({ dataDir, environment: UNLIMITED });
    await storm.restock(first.url, UNITS);

    const blowing = storm.blow(first.url);
    while (storm.answered < KEYS / 3) await new Promise((resolve) => setTimeout(resolve, 5));
    first.signal('SIGKILL');
    await Promise.all([blowing, first.ended]);
    expect(storm.answers.size).toBeLessThan(KEYS);
    const second = await spawnServer({ dataDir, environment: UNLIMITED });
    await storm.blow(second.url);
    expect(storm.answers.size).toBe(KEYS);
    await storm.restock(second.url, KEYS);
    // The delayed ones: there is enough now, and who was refused stays refused.
    await storm.blow(second.url);

    const statuses = [...storm.answers.values()].map((answer) => answer.slice(0, 3));
    expect(statuses.filter((status) => status === '201')).toHaveLength(UNITS);
    expect(statuses.filter((status) => status === '422')).toHaveLength(KEYS - UNITS);
    const effects = eventsOnDisk(dataDir).filter(({ request }) => request !== undefined);
    expect(effects).toHaveLength(KEYS);
    expect(new Set(effects.map(({ request }) => request?.key)).size).toBe(KEYS);
    reportProof({
      promise: 'P4 P5',
      seed,
      wrong: effects.length - KEYS,
      fault: 'duplicates on the real server: concurrent, across kill -9, after a restock',
      runs: `${storm.sent - KEYS} duplicates`,
      checked: `${KEYS} keys, one effect each`,
    });
  },
);

class Storm {
  /** Status and body of every key that was answered. */
  readonly answers = new Map<string, string>();
  answered = 0;
  sent = 0;

  constructor(private readonly random: SeededRandom) {}

  async restock(url: string, delta: number): Promise<void> {
    const connection = createHttpConnection(url);
    expect((await sendCall(connection, RECORD, { op: 'adjust', delta }))?.status).toBe(200);
    connection.close();
  }

  /** All duplicates of all keys in one great disorder, until they are through or nobody answers. */
  async blow(url: string): Promise<void> {
    const left = Array.from(
      { length: KEYS * DUPLICATES_EACH },
      (_, index) => `key-${index % KEYS}`,
    );
    for (let at = left.length - 1; at > 0; at -= 1) {
      const other = this.random.int(at + 1);
      [left[at], left[other]] = [left[other]!, left[at]!];
    }
    const clients = Array.from({ length: CLIENTS }, () => createHttpConnection(url));
    await Promise.all(clients.map((client) => this.send(client, left)));
    for (const client of clients) client.close();
  }

  private async send(connection: HttpConnection, left: string[]): Promise<void> {
    for (let key = left.pop(); key !== undefined; key = left.pop()) {
      this.sent += 1;
      const got = await sendCall(connection, RECORD, { op: 'reserve', qty: 1 }, key);
      if (got === undefined) return;
      this.answered += 1;
      const answer = `${got.status} ${got.text}`;
      expect(this.answers.get(key) ?? answer).toBe(answer);
      this.answers.set(key, answer);
    }
  }
}
