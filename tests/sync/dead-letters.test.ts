import { beforeEach, describe, expect, it } from 'vitest';
import type { AggregateRepository } from '../../src/application/central-aggregate.js';
import { createMemoryAggregateRepository } from '../../src/storage/memory/memory-aggregate-repository.js';
import type { Sync } from '../../src/sync/create-sync.js';
import { callUntraced } from '../../src/application/outgoing-call.js';
import { createFeedSource } from '../../src/sync/feed-source.js';
import { createSystem } from '../../src/system.js';
import { type Edge, recordPath, startEdge } from '../support/http-edge.js';
import { createTestSync } from '../support/own-sync.js';
import { type FeedItem, type PoisonedFeed, startPoisonedFeed } from '../support/poisoned-feed.js';

const NOTE = { reason: 'lost', requestId: 'r-1' };

describe('events of another node that cannot be folded', () => {
  let store: Edge;
  let feed: PoisonedFeed;
  let aggregate: AggregateRepository;
  let sync: Sync;

  // Sequences 1 to 24: SKU0 to SKU3 in turn, six versions of each.
  beforeEach(async () => {
    store = await startEdge();
    for (let index = 0; index < 24; index += 1) {
      const path = `${recordPath(`SKU${index % 4}`)}/adjust`;
      expect((await store.post(path, { delta: index + 1 })).status).toBe(200);
    }
    feed = await startPoisonedFeed(`http://127.0.0.1:${store.port}`);
    aggregate = createMemoryAggregateRepository();
    sync = central();
  });

  function central(retryTimes = 0): Sync {
    const system = createSystem();
    return createTestSync({
      sources: [
        createFeedSource({ name: 'a', url: feed.url }, { ...system, callOut: callUntraced }),
      ],
      aggregate,
      system,
      retryTimes,
      now: () => Date.now(),
    });
  }

  function letters() {
    return aggregate.letters({ after: undefined, limit: 100 });
  }

  function reasons(): string[] {
    return letters().map(({ id, reason }) => `${id} ${reason}`);
  }

  async function doubtful(): Promise<string[]> {
    const skus = ['SKU0', 'SKU1', 'SKU2', 'SKU3'];
    const found = await Promise.all(
      skus.map((sku) => sync.queries.sku(sku, { minSequence: 0, waitMs: 0 })),
    );
    return skus.filter((_, index) => found[index]?.shares.some(({ isDoubtful }) => isDoubtful));
  }

  async function expectAsTheStore(): Promise<void> {
    for (let index = 0; index < 4; index += 1) {
      const { body } = await store.get(recordPath(`SKU${index}`));
      const record = aggregate.record('a', { storeId: 'STORE001', sku: `SKU${index}` });
      expect(record).toMatchObject({
        onHand: body.onHand,
        reserved: body.reserved,
        version: body.version,
        gaps: [],
      });
    }
    expect(letters()).toEqual([]);
    expect(await doubtful()).toEqual([]);
  }

  it('folds everything of a feed that is whole', async () => {
    const run = await sync.worker.runNow();

    expect(run).toMatchObject({ applied: 24, deadLettered: 0, checkpoint: 24, failures: [] });
    await expectAsTheStore();
  });

  it.each<[string, string[], string[], (poisoned: PoisonedFeed) => void]>([
    [
      'of a type that is not known',
      ['a-9 unknown-type'],
      ['SKU0'],
      ({ poison }) => poison.set(9, (item) => [{ ...item, type: 'StockWeighed' }]),
    ],
    [
      'of another schema version',
      ['a-9 unknown-schema'],
      ['SKU0'],
      ({ poison }) => poison.set(9, (item) => [{ ...item, schemaVersion: 2 }]),
    ],
    [
      'that skips a version, so that two claim to be the next',
      ['a-9 version-gap', 'a-13 version-gap'],
      ['SKU0'],
      ({ poison }) => poison.set(9, (item) => [withVersion(item, 4)]),
    ],
    [
      'that repeats a version',
      ['a-9 version-repeated', 'a-13 version-gap'],
      ['SKU0'],
      ({ poison }) => poison.set(9, (item) => [withVersion(item, 1)]),
    ],
    [
      'that is broken, and so the next of the same record, too',
      ['a-9 unreadable', 'a-13 version-gap'],
      ['SKU0'],
      ({ poison }) => poison.set(9, ({ sequence }) => [{ sequence, lines: 'SKU0' }]),
    ],
    [
      'that is broken, but tells what it is about',
      ['a-9 unreadable'],
      ['SKU0'],
      ({ poison }) => poison.set(9, ({ at, ...item }) => [{ ...item, then: at }]),
    ],
    [
      'whose sequence is beyond the log',
      ['a-9 unreadable', 'a-13 version-gap'],
      ['SKU0'],
      ({ poison }) => poison.set(9, (item) => [{ ...item, lines: [], sequence: 2 ** 52 }]),
    ],
    [
      'that is lost, with the one after it',
      ['a-9 sequence-gap', 'a-13 version-gap', 'a-14 version-gap'],
      ['SKU0', 'SKU1'],
      ({ poison }) => void poison.set(9, () => []).set(10, () => []),
    ],
    [
      'in bytes that are no JSON',
      ['a-9 unreadable', 'a-13 version-gap'],
      ['SKU0'],
      ({ broken }) => broken.set(9, '{"items":[{"sequ'),
    ],
  ])(
    'sets an event aside %s; goes on, and heals when it is mended',
    async (_, expected, doubts, spoil) => {
      spoil(feed);

      const run = await sync.worker.runNow();

      expect(reasons()).toEqual(expected);
      expect(run).toMatchObject({ deadLettered: expected.length, checkpoint: 24, failures: [] });
      expect(await doubtful()).toEqual(doubts);
      const untouched = await store.get(recordPath('SKU3'));
      expect(aggregate.record('a', { storeId: 'STORE001', sku: 'SKU3' })).toMatchObject({
        onHand: untouched.body.onHand,
      });
      const stillBroken = await sync.desk.retry('a-9');
      expect(stillBroken).toMatchObject({ id: 'a-9', attempts: 2 });

      feed.poison.clear();
      feed.broken.clear();
      expect(await sync.desk.retry('a-9')).toBeNull();

      await expectAsTheStore();
      await sync.worker.runNow();
      await expectAsTheStore();
    },
  );

  it('marks a source whose letter names no record', async () => {
    feed.poison.set(9, () => []);
    await sync.worker.runNow();

    const { asOf } = await sync.queries.sku('SKU3', { minSequence: 0, waitMs: 0 });

    expect(asOf.sources).toMatchObject([{ name: 'a', isDoubtful: true }]);
  });

  it('keeps what came, when it was looked at first and last, and how often', async () => {
    feed.poison.set(9, (item) => [{ ...item, type: 'StockWeighed' }]);
    const before = Date.now();
    await sync.worker.runNow();

    const [letter] = letters();
    expect(letter).toMatchObject({
      sequence: 9,
      lastSequence: 9,
      type: 'StockWeighed',
      attempts: 1,
      records: [{ storeId: 'STORE001', sku: 'SKU0', version: 3 }],
      received: expect.stringContaining('StockWeighed'),
      detail: 'events of type StockWeighed are not known',
    });
    expect(letter?.firstAttemptAt).toBeGreaterThanOrEqual(before);
  });

  it('gives an event up with the versions that only it could bring, and goes on', async () => {
    feed.poison.set(9, () => []);
    await sync.worker.runNow();
    expect(reasons()).toEqual(['a-9 sequence-gap', 'a-13 version-gap']);

    expect(await sync.desk.discard('a-9', NOTE)).toBe(true);
    expect(await sync.desk.discard('a-9', NOTE)).toBe(false);
    expect(reasons()).toEqual(['a-13 version-gap']);
    expect(await doubtful()).toEqual(['SKU0']);
    expect(await sync.desk.discard('a-13', NOTE)).toBe(true);

    expect(await doubtful()).toEqual([]);
    // 1 + 5 + 17 + 21: without events 9 and 13.
    const record = aggregate.record('a', { storeId: 'STORE001', sku: 'SKU0' });
    expect(record).toMatchObject({ onHand: 44, version: 6, gaps: [] });
    await store.post(`${recordPath('SKU0')}/adjust`, { delta: 100 });
    await sync.worker.runNow();
    expect(aggregate.record('a', { storeId: 'STORE001', sku: 'SKU0' })).toMatchObject({
      onHand: 144,
    });
    expect(letters()).toEqual([]);
  });

  it('folds as much of a gap as has come back', async () => {
    for (const sequence of [9, 10, 11]) feed.poison.set(sequence, () => []);
    await sync.worker.runNow();
    feed.poison.delete(9);

    expect(await sync.desk.retry('a-9')).toMatchObject({ sequence: 10, lastSequence: 11 });
    feed.poison.clear();
    expect(await sync.desk.retry('a-9')).toBeNull();

    await expectAsTheStore();
  });

  it('gives up no version that a letter without a record may still bring', async () => {
    feed.poison.set(9, () => []);
    await sync.worker.runNow();
    await sync.desk.discard('a-13', NOTE);
    feed.poison.clear();

    expect(await sync.desk.retry('a-9')).toBeNull();
    const record = aggregate.record('a', { storeId: 'STORE001', sku: 'SKU0' });
    const { body } = await store.get(recordPath('SKU0'));
    // All but event 13, which brought 13 units and was given up.
    expect(record).toMatchObject({ onHand: body.onHand - 13, version: 6 });
  });

  it('stays in doubt of all records while the rest of a gap is missing', async () => {
    for (let sequence = 9; sequence <= 24; sequence += 1) feed.poison.set(sequence, () => []);
    await store.post(`${recordPath('OTHER')}/adjust`, { delta: 1 });
    await sync.worker.runNow();
    feed.poison.clear();
    feed.poison.set(9, (item) => [{ ...item, type: 'StockWeighed' }]);

    expect(await sync.desk.retry('a-9')).toMatchObject({ sequence: 9, lastSequence: 24 });
    const { asOf } = await sync.queries.sku('SKU1', { minSequence: 0, waitMs: 0 });
    expect(asOf.sources).toMatchObject([{ isDoubtful: true }]);
  });

  it('does not follow a last event to a place beyond the log', async () => {
    feed.poison.set(24, (item) => [{ ...item, sequence: 2 ** 52 }]);
    expect(await sync.worker.runNow()).toMatchObject({ checkpoint: 24, failures: [] });
    expect(letters()).toMatchObject([{ id: 'a-24', reason: 'unreadable' }]);

    feed.poison.clear();
    expect(await sync.desk.retry('a-24')).toBeNull();
    await expectAsTheStore();
  });

  it('takes a page that is none, at the end of the log, for no event', async () => {
    await sync.worker.runNow();
    feed.page = '<html>maintenance</html>';
    const { failures } = await sync.worker.runNow();
    expect(failures).toMatchObject([{ source: 'a' }]);
    expect(letters()).toEqual([]);

    feed.page = undefined;
    await store.post(`${recordPath('OTHER')}/adjust`, { delta: 1 });
    expect(await sync.worker.runNow()).toMatchObject({ checkpoint: 25, failures: [] });
    await expectAsTheStore();
  });

  it('names all records of a large event that cannot be read', async () => {
    const operations = Array.from({ length: 150 }, (_, index) => {
      return { op: 'adjust', storeId: 'STORE001', sku: `B${index}`, delta: 1 };
    });
    await store.post('/api/inventory/batch', { operations });
    feed.poison.set(25, ({ at, ...item }) => [{ ...item, then: at }]);
    await sync.worker.runNow();

    expect(letters()[0]?.records).toHaveLength(150);
  });

  it('says that it is folded where it is, though one behind it cannot be read', async () => {
    // Nobody knows what event 9 is about; so 13, of the same record, has a letter, too.
    feed.poison.set(9, ({ sequence }) => [{ sequence }]);
    await sync.worker.runNow();
    expect(reasons()).toContain('a-13 version-gap');
    const folded = sync.worker.statistics().eventsFolded;
    // What is read behind it finds nobody.
    feed.poison.set(9, (item) => {
      setImmediate(() => (feed.status = 503));
      return [item];
    });

    expect(await sync.desk.retry('a-9')).toBeNull();
    expect(reasons()).not.toContainEqual(expect.stringMatching(/^a-9 /));
    expect(sync.worker.statistics().eventsFolded).toBe(folded + 1);
  });

  it('says that the source cannot be read, and leaves the letter as it was', async () => {
    feed.poison.set(9, (item) => [{ ...item, type: 'StockWeighed' }]);
    await sync.worker.runNow();
    const before = letters();
    feed.status = 503;

    await expect(sync.desk.retry('a-9')).rejects.toMatchObject({ code: 'aggregate-behind' });
    expect(letters()).toEqual(before);
    expect(await sync.desk.retry('a-10')).toBeUndefined();
  });
});

function withVersion(item: FeedItem, version: number): FeedItem {
  const lines = item['lines'] as readonly object[];
  return { ...item, lines: lines.map((line) => ({ ...line, version })) };
}
