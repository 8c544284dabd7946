import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { createRecordClock } from '../../../src/application/record-clock.js';
import type { InventoryRepository } from '../../../src/application/ports.js';
import {
  type InventoryService,
  createInventoryService,
} from '../../../src/application/inventory-service.js';
import {
  type FeedLimits,
  type Followers,
  createFollowers,
  feedLimits,
} from '../../../src/http/feed/followers.js';
import { createKeyedMutex } from '../../../src/resilience/keyed-mutex.js';
import { createMemoryInventoryRepository } from '../../../src/storage/memory/memory-inventory-repository.js';
import { type FakeClock, createFakeClock } from '../../support/fake-clock.js';
import { type FakeTimers, createFakeTimers } from '../../support/fake-timers.js';
import { idsIn } from '../../support/stream-reader.js';

const FRAME_CHARS = 190;

let clock: FakeClock;
let timers: FakeTimers;
let repository: InventoryRepository;
let service: InventoryService;
/** What was asked of the log, as a disk would be. */
let reads: { after: number; limit: number }[];

beforeEach(() => {
  clock = createFakeClock();
  timers = createFakeTimers(clock);
  repository = createMemoryInventoryRepository(createRecordClock(clock, () => undefined));
  service = createInventoryService({
    repository,
    mutex: createKeyedMutex(),
    idempotencyTtlMs: 1_000,
    idempotencyKeysMax: 1_000,
    reservationRetentionMs: 1_000,
  });
  reads = [];
});

function startFollowers(limits: Partial<FeedLimits> = {}): Followers {
  const log = {
    ...repository,
    eventsAfter(after: number, limit: number) {
      reads.push({ after, limit });
      return repository.eventsAfter(after, limit);
    },
  };
  return createFollowers({ log, clock, timers, limits: { ...feedLimits, ...limits } });
}

async function happen(count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await service.execute({ type: 'AdjustStock', storeId: 'S1', sku: 'A', delta: 1 });
  }
}

/** Lets everything run that needs no time. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 200; turns += 1) await turn();
}

interface Client {
  readonly connection: PassThrough;
  text(): string;
  ids(): number[];
}

/** One that reads all there is; or one that, after so many bytes, reads no more. */
function client(highWaterMark?: number): Client {
  const connection = new PassThrough({ highWaterMark });
  let text = '';
  if (highWaterMark === undefined) {
    connection.on('data', (chunk: Buffer) => (text += chunk.toString()));
  }
  return { connection, text: () => text, ids: () => idsIn(text) };
}

const upTo = (last: number, first = 1) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('those who follow', () => {
  it('are told what happens without a look at the disk, however many they are', async () => {
    const followers = startFollowers();
    await happen(3);
    const clients = Array.from({ length: 200 }, () => client());
    for (const { connection } of clients) void followers.add(connection, 3);

    for (let round = 0; round < 5; round += 1) {
      await happen(4);
      await settle();
    }

    for (const each of clients) expect(each.ids()).toEqual(upTo(23, 4));
    expect(reads).toEqual([]);
  });

  it('share the reads of what is old, where they come back together', async () => {
    const followers = startFollowers();
    await happen(300);
    const clients = Array.from({ length: 50 }, () => client());
    clients.forEach(({ connection }, index) => void followers.add(connection, index % 2));

    await settle();

    for (const [index, each] of clients.entries()) {
      expect(each.ids()).toEqual(upTo(300, 1 + (index % 2)));
    }
    // Two begin, and meet where the first page ends.
    expect(reads.map(({ after }) => after)).toEqual([0, 1, 128, 256]);
  });

  it('get each event once, in order, where old ones and new ones meet', async () => {
    const followers = startFollowers({ recentCharsMax: 3 * FRAME_CHARS });
    await happen(10);
    const first = client();
    void followers.add(first.connection, 0);
    const all = [first];
    for (let round = 0; round < 20; round += 1) {
      await happen(7);
      const next = client();
      void followers.add(next.connection, round);
      all.push(next);
      await turn();
    }
    await settle();

    const end = repository.durableSequence();
    expect(first.ids()).toEqual(upTo(end));
    for (const [round, each] of all.slice(1).entries()) {
      expect(each.ids()).toEqual(upTo(end, round + 1));
    }
  });

  it('start anew where nobody followed for a while', async () => {
    const followers = startFollowers();
    const first = client();
    const gone = followers.add(first.connection, 0);
    await happen(2);
    await settle();
    first.connection.destroy();
    await gone;
    await happen(2);

    const second = client();
    void followers.add(second.connection, 2);
    await happen(1);
    await settle();

    expect(second.ids()).toEqual([3, 4, 5]);
    second.connection.destroy();
    await settle();
    expect(timers.waiting).toBe(0);
  });
});

describe('a client that does not read', () => {
  it('is not written to, is not read for, and is cut off in the end; others do not notice', async () => {
    const followers = startFollowers();
    await happen(2_000);
    const frozen = client(1_024);
    const live = client();
    const cutOff = followers.add(frozen.connection, 0);
    void followers.add(live.connection, 2_000);
    await settle();

    await happen(2_000);
    await settle();

    expect(live.ids()).toEqual(upTo(4_000, 2_001));
    expect(frozen.connection.writableLength + frozen.connection.readableLength).toBeLessThan(
      128 * FRAME_CHARS * 2,
    );
    expect(reads).toEqual([{ after: 0, limit: 128 }]);
    expect(frozen.connection.destroyed).toBe(false);
    await timers.pass(feedLimits.stallMs);
    expect(frozen.connection.destroyed).toBe(true);
    expect(live.connection.destroyed).toBe(false);
    await cutOff;
  });

  it('is forgiven where it reads again in time', async () => {
    const followers = startFollowers();
    await happen(500);
    const slow = client(1_024);
    void followers.add(slow.connection, 0);
    await settle();

    await timers.pass(feedLimits.stallMs - 1);
    let text = '';
    slow.connection.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await settle();
    await timers.pass(feedLimits.stallMs * 3);

    expect(slow.connection.destroyed).toBe(false);
    expect(idsIn(text)).toEqual(upTo(500));
  });

  it('does not keep a server from stopping', async () => {
    const followers = startFollowers();
    await happen(500);
    const frozen = client(1_024);
    const cutOff = followers.add(frozen.connection, 0);
    await settle();

    followers.end();

    await cutOff;
    expect(frozen.connection.destroyed).toBe(true);
  });

  it('may be gone before it gets anything', async () => {
    const followers = startFollowers({ followersMax: 1 });
    const gone = client();
    gone.connection.destroy();
    await settle();

    await followers.add(gone.connection, 0);

    expect(() => followers.assertRoom()).not.toThrow();
  });
});

describe('a heartbeat', () => {
  it('comes where nothing else did', async () => {
    const followers = startFollowers({ heartbeatMs: 1_000 });
    const { connection, text } = client();
    void followers.add(connection, 0);
    await timers.pass(1_000);
    expect(text()).toBe(':\n\n');

    await timers.pass(500);
    await happen(1);
    await settle();
    await timers.pass(500);
    expect(text().match(/^:$/gm)).toHaveLength(1);
    await timers.pass(1_000);
    expect(text().match(/^:$/gm)).toHaveLength(2);
  });
});

describe('a round', () => {
  it('that took long is followed by a rest, in which writers have the time to themselves', async () => {
    const followers = startFollowers();
    const { connection, ids } = client();
    // Sending takes 5 ms.
    const send = connection.write.bind(connection);
    connection.write = ((chunk: Buffer) => {
      clock.advance(5);
      return send(chunk);
    }) as typeof connection.write;
    void followers.add(connection, 0);
    await happen(1);
    await settle();
    expect(ids()).toEqual([1]);

    await happen(3);
    await settle();
    expect(ids()).toEqual([1]);
    await timers.pass(44);
    expect(ids()).toEqual([1]);
    await timers.pass(1);

    expect(ids()).toEqual([1, 2, 3, 4]);
  });
});
