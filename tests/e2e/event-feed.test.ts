import { rmSync } from 'node:fs';
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type SeededRandom,
  chosenSeed,
  createSeededRandom,
  proofScale,
} from '../support/seeded-random.js';
import {
  type SpawnedServer,
  cleanUp,
  spawnServer,
  temporaryDirectory,
} from '../support/spawned-server.js';
import { createStockClient } from '../support/stock-client.js';
import { openStream } from '../support/stream-reader.js';

afterEach(cleanUp);

async function killed(server: SpawnedServer): Promise<void> {
  server.signal('SIGKILL');
  await server.ended;
}

const CUTS = 100 * proofScale();
const WRITERS = 4;
const PAST_EVENTS = 3_000;

/** What a client of a stream keeps: which events it got, and how often it was cut off. */
interface Followed {
  readonly ids: number[];
  cuts: number;
  /** Where it hangs up for good: it has this event. */
  end: number;
}

/**
 * Follows on one connection until `bytes` have come, then cuts it wherever that is; an event counts
 * once its empty line is there. Resolves early where the connection breaks.
 */
async function followFor(url: string, bytes: number, followed: Followed): Promise<void> {
  const last = followed.ids.at(-1);
  const headers = {
    Accept: 'text/event-stream',
    ...(last !== undefined && { 'Last-Event-ID': String(last) }),
  };
  await new Promise<void>((resolve) => {
    let rest = '';
    let received = 0;
    const request = get(`${url}/api/events`, { headers, agent: false }, (response) => {
      response.on('data', (chunk: Buffer) => {
        const taken = chunk.subarray(0, bytes - received);
        received += taken.length;
        const frames = (rest + taken.toString()).split('\n\n');
        rest = frames.pop() ?? '';
        for (const frame of frames) {
          const id = /^id: (\d+)$/m.exec(frame)?.[1];
          if (id !== undefined) followed.ids.push(Number(id));
        }
        const isAtEnd = (followed.ids.at(-1) ?? 0) >= followed.end;
        if (received < bytes && !isAtEnd) return;
        followed.cuts += 1;
        response.destroy();
      });
      response.on('error', () => undefined).once('close', resolve);
    });
    request.once('error', () => resolve());
  });
}

/** So much has happened already that it is read from disk, in pages. */
async function writePast(url: string): Promise<void> {
  const operations = Array.from({ length: PAST_EVENTS }, (_, index) => ({
    op: 'adjust',
    storeId: 'S1',
    sku: `SKU${index % 50}`,
    delta: 1,
  }));
  const body = { atomic: false, operations };
  const answer = await createStockClient(url).send('POST', '/api/inventory/batch', body);
  expect(answer?.status).toBe(200);
}

/** Adjusts until it is told to stop, whatever happens to the server. */
async function write(server: () => SpawnedServer, random: SeededRandom, isOver: () => boolean) {
  while (!isOver()) {
    const client = createStockClient(server().url);
    const answer = await client.adjust('S1', `SKU${random.int(50)}`, 1);
    if (answer === undefined) await sleep(20);
  }
}

describe('a client of the stream', () => {
  it(`that is cut off ${CUTS} times, and loses its server twice, gets every event once, in order`, async () => {
    const seed = chosenSeed();
    console.info(`cut-off streams: SEED=${seed}`);
    const random = createSeededRandom(seed);
    const dataDir = temporaryDirectory();
    let server = await spawnServer({ dataDir });
    await writePast(server.url);
    const followed: Followed = { ids: [], cuts: 0, end: Infinity };
    const killAt = [Math.floor(CUTS / 3), Math.floor((2 * CUTS) / 3)];
    let isOver = false;
    const writers = Array.from({ length: WRITERS }, () =>
      write(
        () => server,
        random.fork(),
        () => isOver,
      ),
    );

    while (followed.cuts < CUTS) {
      if (killAt[0] === followed.cuts) {
        killAt.shift();
        await killed(server);
        server = await spawnServer({ dataDir });
      }
      await followFor(server.url, 1 + random.int(random.chance(0.5) ? 500 : 30_000), followed);
      if (random.chance(0.2)) await sleep(random.int(30));
    }
    isOver = true;
    await Promise.all(writers);

    const head = await fetch(`${server.url}/api/events`, { method: 'HEAD' });
    const end = Number(head.headers.get('inventory-sequence'));
    followed.end = end;
    while ((followed.ids.at(-1) ?? 0) < end) await followFor(server.url, Infinity, followed);
    console.info(`${followed.cuts} times cut off, ${end} events`);
    expect(end).toBeGreaterThan(PAST_EVENTS);
    expect(followed.ids).toEqual(Array.from({ length: end }, (_, index) => index + 1));
  }, 120_000);
});

describe('the feed of a server', () => {
  it('names its data: the same name after a crash, another one where the data is gone', async () => {
    const dataDir = temporaryDirectory();
    const nodeOf = async ({ url }: SpawnedServer) =>
      (await fetch(`${url}/api/events`, { method: 'HEAD' })).headers.get('inventory-node');

    const first = await spawnServer({ dataDir });
    const node = await nodeOf(first);
    expect((await createStockClient(first.url).adjust('S1', 'A', 1))?.status).toBe(200);
    await killed(first);
    const again = await spawnServer({ dataDir });
    expect(await nodeOf(again)).toBe(node);
    expect((await fetch(`${again.url}/api/events?after=1`)).status).toBe(200);
    await killed(again);
    rmSync(dataDir, { recursive: true });
    const other = await spawnServer({ dataDir });

    const ahead = await fetch(`${other.url}/api/events?after=1`);

    expect(node).toMatch(/^[0-9a-f-]{36}$/);
    expect(ahead.status).toBe(409);
    expect(ahead.headers.get('inventory-node')).toMatch(/^[0-9a-f-]{36}$/);
    expect(ahead.headers.get('inventory-node')).not.toBe(node);
  });

  it('ends its streams when the server stops, and does not wait for who does not read', async () => {
    const environment = { SHUTDOWN_GRACE_MS: '3600000' };
    const server = await spawnServer({ dataDir: temporaryDirectory(), environment });
    const port = Number(new URL(server.url).port);
    await createStockClient(server.url).adjust('S1', 'A', 1);
    const reader = await openStream(port, '/api/events');
    await reader.received('id: 1\n');
    const frozen = await openStream(port, '/api/events');
    frozen.response.pause();

    server.signal('SIGTERM');

    expect(await server.ended).toBe(0);
    expect(await reader.over).toBe('end');
  });
});
