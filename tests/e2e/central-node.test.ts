import { afterEach, describe, expect, it } from 'vitest';
import { allEvents, centralView, totalsOf } from '../support/central-client.js';
import { type LoopbackLink, startLoopbackLink } from '../support/loopback-link.js';
import {
  type SpawnedServer,
  cleanUp,
  spawnServer,
  temporaryDirectory,
} from '../support/spawned-server.js';
import { createStockClient } from '../support/stock-client.js';

const SKUS = ['A', 'B', 'C'];
const CLIENTS_EACH = 2;
const PATIENCE = { timeout: 60_000, interval: 50 };
/** What two processes' clocks may be apart: each goes by its own monotonic clock. */
const CLOCKS_MS = 50;
const UNLIMITED = { RATE_LIMIT_RPS: '1000000', RATE_LIMIT_BURST: '1000000' };

/** A store node, and the link by which the central node knows it. */
interface Store {
  readonly dataDir: string;
  readonly link: LoopbackLink;
  server: SpawnedServer;
}

interface SourceNow {
  readonly name: string;
  readonly state: string;
  readonly sequence: number;
  readonly at: string;
  readonly ageMs: number;
  readonly lag: number;
  readonly lastError: string | null;
}

describe('a central node over three stores', () => {
  afterEach(cleanUp);

  it(
    'has the exact sum of them after one was frozen, one killed and one cut off under load, and ' +
      'tells its age meanwhile',
    { timeout: 300_000 },
    async () => {
      const [a, b, c] = await Promise.all([startStore(), startStore(), startStore()]);
      const central = await startCentral({ a, b, c });
      const load = startLoad([a, b, c]);
      await progress(central, ['a', 'b', 'c']);

      // Frozen: it neither answers nor refuses.
      a.server.signal('SIGSTOP');
      const frozenAt = Date.now();
      await progress(central, ['b', 'c']);
      await expect
        .poll(async () => (await sourceOf(central, 'a')).ageMs, PATIENCE)
        .toBeGreaterThan(500);
      const frozen = await agedView(central, 'a');
      expect(Date.parse(frozen.at)).toBeLessThanOrEqual(frozenAt + CLOCKS_MS);

      // Killed: what was acknowledged is there when it is back.
      b.server.signal('SIGKILL');
      await b.server.ended;
      b.server = await spawnStore(b.dataDir);
      b.link.lead(b.server.url);
      await progress(central, ['b', 'c']);

      // Cut off: alive, and out of reach.
      c.link.cut();
      await expect
        .poll(async () => (await sourceOf(central, 'c')).lastError, PATIENCE)
        .toBe('the source cannot be reached');
      await progress(central, ['b']);
      const cutOff = await agedView(central, 'c');

      a.server.signal('SIGCONT');
      c.link.mend();
      await progress(central, ['a', 'b', 'c']);
      const acknowledged = await load.stop();
      expect(acknowledged).toBeGreaterThan(100);

      const whole = await caughtUp(central, { a, b, c });
      for (const [name, store] of Object.entries({ a, b, c })) {
        expect(whole.get(name)).toEqual(totalsOf(await allEvents(store.server.url)));
        expect(whole.get(name)).toEqual(await recordsOf(store));
      }
      // What was shown while they were away was as old as was said, and no older.
      await expectTrue(frozen, a);
      await expectTrue(cutOff, c);
      const letters = await createStockClient(central.url).send('GET', '/api/sync/dead-letters');
      expect(letters?.body['items']).toEqual([]);
    },
  );

  it('notices a store with other data under its name, and merges nothing of it', async () => {
    const a = await startStore();
    const central = await startCentral({ a });
    await createStockClient(a.server.url).adjust('S1', 'A', 5);
    await caughtUp(central, { a });
    a.server.signal('SIGTERM');
    await a.server.ended;

    const other = await spawnStore(temporaryDirectory());
    for (const sku of SKUS) await createStockClient(other.url).adjust('S1', sku, 9);
    a.link.lead(other.url);

    const run = await createStockClient(central.url).send('POST', '/api/sync');
    expect(run?.body).toMatchObject({ applied: 0, failures: [{ source: 'a' }] });
    expect(await sourceOf(central, 'a')).toMatchObject({ state: 'other-data', sequence: 1 });
    expect((await centralView(central.url, SKUS)).sources).toEqual(
      new Map([['a', new Map([['S1/A', '5 0']])]]),
    );

    other.signal('SIGTERM');
    await other.ended;
    const again = await spawnStore(a.dataDir);
    await createStockClient(again.url).adjust('S1', 'A', 1);
    a.link.lead(again.url);
    const whole = await caughtUp(central, { a: { ...a, server: again } });
    expect(whole.get('a')).toEqual(new Map([['S1/A', '6 0']]));
  });

  it('goes on from its checkpoints after it was killed', async () => {
    const a = await startStore();
    const dataDir = temporaryDirectory();
    const first = await startCentral({ a }, dataDir);
    const client = createStockClient(a.server.url);
    for (let count = 0; count < 20; count += 1) await client.adjust('S1', 'A', 1);
    await caughtUp(first, { a });
    first.signal('SIGKILL');
    await first.ended;
    a.link.cut();
    await client.adjust('S1', 'A', 1);

    const next = await startCentral({ a }, dataDir);
    const before = await centralView(next.url, SKUS);
    expect(before.sources.get('a')).toEqual(new Map([['S1/A', '20 0']]));
    expect(before.asOf.sources).toMatchObject([{ name: 'a', sequence: 20 }]);
    a.link.mend();
    expect((await caughtUp(next, { a })).get('a')).toEqual(new Map([['S1/A', '21 0']]));
  });
});

function spawnStore(dataDir: string): Promise<SpawnedServer> {
  return spawnServer({ dataDir, environment: { ...UNLIMITED, SYNC_ENABLED: 'false' } });
}

async function startStore(): Promise<Store> {
  const dataDir = temporaryDirectory();
  const server = await spawnStore(dataDir);
  return { dataDir, server, link: await startLoopbackLink(server.url) };
}

function startCentral(
  stores: Readonly<Record<string, Store>>,
  dataDir = temporaryDirectory(),
): Promise<SpawnedServer> {
  const sources = Object.entries(stores).map(([name, { link }]) => `${name}=${link.url}`);
  return spawnServer({
    dataDir,
    environment: {
      ...UNLIMITED,
      SYNC_SOURCES: sources.join(','),
      SYNC_INTERVAL_MS: '100',
      RETRY_BASE_MS: '20',
      RETRY_TIMES: '1',
      BREAKER_COOLDOWN_MS: '200',
    },
  });
}

/** Writes to all stores until it is stopped; resolves then with how many were acknowledged. */
function startLoad(stores: readonly Store[]): { stop(): Promise<number> } {
  let stopped = false;
  let acknowledged = 0;

  async function write(store: Store, number: number): Promise<void> {
    for (let count = 0; !stopped; count += 1) {
      const client = createStockClient(store.server.url);
      const sku = SKUS[(count + number) % SKUS.length]!;
      const answer =
        count % 4 === 3
          ? await client.reserve('S1', sku, 2)
          : await client.adjust(`S${count % 2}`, sku, 1 + (count % 7));
      if (answer !== undefined && answer.status < 300) acknowledged += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  const writers = stores.flatMap((store) =>
    Array.from({ length: CLIENTS_EACH }, (_, number) => write(store, number)),
  );
  return {
    async stop() {
      stopped = true;
      await Promise.all(writers);
      return acknowledged;
    },
  };
}

async function sourcesOf(central: SpawnedServer): Promise<readonly SourceNow[]> {
  const answer = await createStockClient(central.url).send('GET', '/api/sync/status');
  return answer?.body['sources'] as readonly SourceNow[];
}

async function sourceOf(central: SpawnedServer, name: string): Promise<SourceNow> {
  return (await sourcesOf(central)).find((source) => source.name === name)!;
}

/** Each of these sources comes further. */
async function progress(central: SpawnedServer, names: readonly string[]): Promise<void> {
  const before = new Map((await sourcesOf(central)).map(({ name, sequence }) => [name, sequence]));
  for (const name of names) {
    await expect
      .poll(async () => (await sourceOf(central, name)).sequence, PATIENCE)
      .toBeGreaterThan(before.get(name) ?? 0);
  }
}

interface AgedView {
  readonly name: string;
  readonly sequence: number;
  readonly at: string;
  readonly totals: ReadonlyMap<string, string>;
}

/** What is shown of a source that is away, with an age that agrees with its time. */
async function agedView(central: SpawnedServer, name: string): Promise<AgedView> {
  const before = Date.now();
  const { sources, asOf } = await centralView(central.url, SKUS);
  const source = asOf.sources.find((each) => each.name === name)!;
  const at = Date.parse(source.at!);
  expect(source.ageMs).toBeGreaterThanOrEqual(before - at - CLOCKS_MS);
  expect(source.ageMs).toBeLessThanOrEqual(Date.now() - at + CLOCKS_MS);
  return { name, sequence: source.sequence, at: source.at!, totals: sources.get(name)! };
}

/** It was the store as it was at that time: all of what had happened by then, and only that. */
async function expectTrue({ sequence, at, totals }: AgedView, store: Store): Promise<void> {
  const events = await allEvents(store.server.url);
  expect(totals).toEqual(totalsOf(events, sequence));
  const next = events[sequence] as { readonly at?: string } | undefined;
  expect(Date.parse(next?.at ?? '9999-01-01')).toBeGreaterThanOrEqual(Date.parse(at) - CLOCKS_MS);
}

/** Everything is folded; what is shown then, by source. */
async function caughtUp(central: SpawnedServer, stores: Readonly<Record<string, Store>>) {
  for (const [name, store] of Object.entries(stores)) {
    const { length } = await allEvents(store.server.url);
    await expect.poll(async () => (await sourceOf(central, name)).sequence, PATIENCE).toBe(length);
  }
  return (await centralView(central.url, SKUS)).sources;
}

async function recordsOf({ server }: Store): Promise<ReadonlyMap<string, string>> {
  const client = createStockClient(server.url);
  const records = new Map<string, string>();
  for (const storeId of ['S0', 'S1']) {
    for (const sku of SKUS) {
      const answer = await client.record(storeId, sku);
      if (answer?.status !== 200) continue;
      const { onHand, reserved } = answer.body as unknown as Record<string, number>;
      records.set(`${storeId}/${sku}`, `${onHand} ${reserved}`);
    }
  }
  return records;
}
