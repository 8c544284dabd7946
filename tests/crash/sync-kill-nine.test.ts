import { afterEach, describe, expect, it } from 'vitest';
import { allEvents, centralView, totalsOf } from '../support/central-client.js';
import { cleanUp, spawnServer, temporaryDirectory } from '../support/spawned-server.js';
import { createStockClient } from '../support/stock-client.js';
import { type CrashPoint, endingAt } from './crash-point.js';

const SKUS = ['A', 'B', 'C'];
const CLIENTS = 4;
const UNLIMITED = { RATE_LIMIT_RPS: '1000000', RATE_LIMIT_BURST: '1000000' };
const JOURNAL = 'central/journal-\\d+\\.jsonl$';

/** In a run of the worker: what is folded, and how far that is saved. */
const POINTS: Record<string, CrashPoint> = {
  'it is folded, and nothing is saved': {
    call: 'write',
    path: JOURNAL,
    when: 'before',
    nth: 4,
  },
  'it is half saved': { call: 'write', path: JOURNAL, when: 'half', nth: 4 },
  'it is saved, and not synced': { call: 'sync', path: JOURNAL, when: 'before', nth: 5 },
  'it is saved and synced, and nobody knows': {
    call: 'sync',
    path: JOURNAL,
    when: 'after',
    nth: 5,
  },
};

describe('the central view after kill -9', () => {
  afterEach(cleanUp);

  it.each(Object.entries(POINTS))(
    'when %s: is the fold of the log, nothing twice',
    async (_, point) => {
      const dataDir = temporaryDirectory();
      const { preload, environment } = endingAt(point);
      const server = await spawnServer({
        dataDir,
        ...(preload && { preload }),
        environment: { ...environment, ...UNLIMITED, SYNC_INTERVAL_MS: '100' },
      });
      const acknowledged = await Promise.all(
        Array.from({ length: CLIENTS }, (__, number) => loadUntilDead(server.url, number)),
      );
      expect(await server.ended).toBe('SIGKILL');

      const next = await spawnServer({ dataDir, environment: { SYNC_ENABLED: 'false' } });
      const events = await allEvents(next.url);
      const found = await centralView(next.url, SKUS);
      expect(found.asOf.sequence).toBeGreaterThan(0);
      expect(found.asOf.sequence).toBeLessThanOrEqual(events.length);
      expect(found.sources.get('local')).toEqual(totalsOf(events, found.asOf.sequence));

      const run = await createStockClient(next.url).send('POST', '/api/sync');
      expect(run?.body).toMatchObject({
        applied: events.length - found.asOf.sequence,
        deadLettered: 0,
        checkpoint: events.length,
      });
      const all = await centralView(next.url, SKUS);
      expect(all.sources.get('local')).toEqual(totalsOf(events));
      const sum = acknowledged.reduce((total, each) => total + each, 0);
      expect(events.length).toBeGreaterThanOrEqual(sum);
    },
  );
});

/** Resolves with how many writes were acknowledged. */
async function loadUntilDead(url: string, number: number): Promise<number> {
  const client = createStockClient(url);
  let acknowledged = 0;
  for (let count = 0; ; count += 1) {
    const sku = SKUS[(count + number) % SKUS.length]!;
    const answer =
      count % 5 === 4
        ? await client.reserve('S1', sku, 1)
        : await client.adjust(`S${number % 2}`, sku, 1 + count);
    if (answer === undefined) return acknowledged;
    if (answer.status < 300) acknowledged += 1;
  }
}
