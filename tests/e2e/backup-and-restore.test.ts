import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { type Held, SKUS, STORE, startBackupLoad } from '../support/backup-load.js';
import { runCommand, startCommand } from '../support/run-command.js';
import { chosenSeed, createSeededRandom, proofScale } from '../support/seeded-random.js';
import { cleanUp, spawnServer, temporaryDirectory } from '../support/spawned-server.js';
import { createStockClient } from '../support/stock-client.js';

const KILLS = Math.round(3 * proofScale());
const FAST = { RATE_LIMIT_RPS: '100000', RATE_LIMIT_BURST: '200000' };

interface Line {
  readonly sequence: number;
  readonly at: string;
  readonly text: string;
}

/** Every event of a directory, as it stands in the log. */
function eventsOf(directory: string): Line[] {
  const names = readdirSync(`${directory}/events`).sort();
  const whole = names.map((name) => readFileSync(`${directory}/events/${name}`, 'utf8')).join('');
  return whole.split('\n').flatMap((text) => {
    if (!text.startsWith('{"sequence"')) return [];
    const [, sequence, at] = /^\{"sequence":(\d+),.*?"at":"([^"]+)"/.exec(text) ?? [];
    return [{ sequence: Number(sequence), at: at ?? '', text }];
  });
}

function lastEventOf({ stdout }: { readonly stdout: string }): number {
  return Number(/^highest sequence +(\d+)/m.exec(stdout)?.[1]);
}

/** What a server says of the records, now or at an earlier event. */
async function recordsOf(url: string, at?: number): Promise<unknown[]> {
  const client = createStockClient(url);
  const query = at === undefined ? '' : `?at=${at}`;
  const bulk = ['SKU-0', 'SKU-999'].map((sku) => ['BULK', sku] as const);
  const names = [...SKUS.map((sku) => [STORE, sku] as const), ...bulk];
  return await Promise.all(
    names.map(async ([store, sku]) => {
      const answer = await client.send('GET', client.recordPath(store, sku) + query);
      return answer?.status === 200 ? answer.body : answer?.status;
    }),
  );
}

/** The same request under the same key: what it is answered, and whether that is a replay. */
async function repeat(url: string, { sku, key }: Held) {
  const client = createStockClient(url);
  const headers = { 'content-type': 'application/json', 'idempotency-key': key };
  const path = `${url}${client.recordPath(STORE, sku)}/reserve`;
  const response = await fetch(path, { method: 'POST', headers, body: '{"qty":1}' });
  const body: unknown = await response.json();
  return { body, replayed: response.headers.get('idempotent-replayed') };
}

describe('a server that is backed up while it works', () => {
  afterEach(cleanUp);

  it(
    'is found again in each backup as it was, and at any event or time before',
    async () => {
      const dataDir = temporaryDirectory();
      const original = await spawnServer({ dataDir, environment: FAST });
      const load = startBackupLoad(original.url);
      const backups: { readonly path: string; readonly last: number }[] = [];
      for (const name of ['first', 'second', 'third']) {
        await load.grow(200);
        const { acknowledged } = load;
        const path = `${temporaryDirectory()}/${name}`;
        const ended = await runCommand('backup', dataDir, path);
        expect(ended).toMatchObject({ code: 0, stderr: '' });
        expect(lastEventOf(ended)).toBeGreaterThanOrEqual(acknowledged);
        backups.push({ path, last: lastEventOf(ended) });
      }
      await load.grow(100);
      await load.stop();

      const events = eventsOf(dataDir);
      for (const { path, last } of backups) {
        expect(eventsOf(path)).toEqual(events.slice(0, last));
      }

      const { path, last } = backups[1]!;
      const [earlier, later] = [events[Math.floor(last / 2)]!, events[Math.floor(last / 3)]!];
      const target = temporaryDirectory();
      const restores = [
        { to: `${target}/whole`, at: [], last },
        { to: `${target}/event`, at: ['--at', `${earlier.sequence}`], last: earlier.sequence },
        { to: `${target}/time`, at: ['--at', later.at], last: lastAt(events, later.at) },
      ];
      const nodes = new Set<string | null>();
      for (const { to, at, last: expected } of restores) {
        const ended = await runCommand('restore', path, to, ...at);
        expect(ended).toMatchObject({ code: 0, stderr: '' });
        expect(lastEventOf(ended)).toBe(expected);
        expect(eventsOf(to)).toEqual(events.slice(0, expected));
        const restored = await spawnServer({ dataDir: to, environment: FAST });
        expect(await recordsOf(restored.url)).toEqual(await recordsOf(original.url, expected));
        await sameReservationsAndKeys(restored.url, load.held, expected);
        nodes.add((await fetch(`${restored.url}/api/events`)).headers.get('inventory-node'));
      }
      nodes.add((await fetch(`${original.url}/api/events`)).headers.get('inventory-node'));
      expect(nodes.size).toBe(4);
    },
    120_000 * proofScale(),
  );
});

function lastAt(events: readonly Line[], at: string): number {
  return events.filter((each) => each.at <= at).length;
}

/** Reservations and keys from up to `last` are there as they were answered; later ones are not. */
async function sameReservationsAndKeys(
  url: string,
  held: readonly Held[],
  last: number,
): Promise<void> {
  const client = createStockClient(url);
  const inside = held.filter(({ sequence }) => sequence <= last);
  const outside = held.filter(({ sequence }) => sequence > last);
  expect([inside.length > 0, outside.length > 0]).toEqual([true, true]);
  for (const each of [inside[0]!, inside.at(-1)!]) {
    const { reservation } = each.body as { reservation: { id: string } };
    const answer = await client.send('GET', `/api/reservations/${reservation.id}`);
    expect(answer?.body).toMatchObject(reservation);
    expect(await repeat(url, each)).toEqual({ body: each.body, replayed: 'true' });
  }
  const { reservation } = outside[0]!.body as { reservation: { id: string } };
  expect((await client.send('GET', `/api/reservations/${reservation.id}`))?.status).toBe(404);
  expect((await repeat(url, outside[0]!)).replayed).toBeNull();
}

describe('a copy that does not come to its end', () => {
  afterEach(cleanUp);

  it(
    'by a kill at any time leaves nothing that looks whole',
    async () => {
      const seed = chosenSeed();
      console.info(`backup killed: SEED=${seed}`);
      const random = createSeededRandom(seed);
      const dataDir = await filledDirectory();
      const usual = `${temporaryDirectory()}/usual`;
      const whole = startCommand('backup', dataDir, usual);
      await isBegun(usual, whole.child);
      const begun = performance.now();
      expect(await whole.ended).toMatchObject({ code: 0 });
      const usualMs = performance.now() - begun;
      for (let kill = 0; kill < KILLS; kill += 1) {
        const to = `${temporaryDirectory()}/killed`;
        const { child, ended } = startCommand('backup', dataDir, to);
        await isBegun(to, child);
        await new Promise((resolve) => setTimeout(resolve, random.next() * usualMs));
        child.kill('SIGKILL');
        await ended;
        if (existsSync(`${to}/MANIFEST.json`)) {
          expect((await runCommand('verify', to)).stdout).toMatch(/^all holds$/m);
          continue;
        }
        expect(await runCommand('restore', to, `${to}-restored`)).toMatchObject({ code: 1 });
        if (!existsSync(to) || readdirSync(to).length === 0) continue;
        await expect(spawnServer({ dataDir: to })).rejects.toThrow(/is an unfinished copy/);
        const again = await runCommand('backup', dataDir, to);
        expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('unfinished copy')]);
      }
    },
    60_000 * Math.max(1, proofScale()),
  );

  it('because the source is damaged names the place, in one line, and leaves nothing', async () => {
    const dataDir = await filledDirectory();
    const segment = `${dataDir}/events/000000000001.jsonl`;
    const bytes = readFileSync(segment);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(segment, bytes);
    const to = `${temporaryDirectory()}/copy`;
    for (const command of ['backup', 'restore']) {
      const { code, stdout, stderr } = await runCommand(command, dataDir, to);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(
        /^nothing was copied: .*000000000001\.jsonl, .*(line|sequence) \d+.*\n$/,
      );
      expect(stderr.split('\n')).toHaveLength(2);
      expect(existsSync(to)).toBe(false);
    }
  });

  it('because the target is inside the source says so, also by way of a link', async () => {
    const dataDir = temporaryDirectory();
    const server = await spawnServer({ dataDir });
    server.signal('SIGTERM');
    await server.ended;
    const link = `${temporaryDirectory()}/link`;
    symlinkSync(dataDir, link);
    const before = readdirSync(dataDir, { recursive: true });
    for (const to of [`${dataDir}/backup`, `${link}/a/b`, dataDir]) {
      expect(await runCommand('backup', dataDir, to)).toMatchObject({
        code: 1,
        stdout: '',
        stderr: `nothing was copied: ${to} is inside ${dataDir}: name a directory outside\n`,
      });
    }
    expect(readdirSync(dataDir, { recursive: true })).toEqual(before);
  });
});

/** Resolves when the first file of a copy is there, or the command has ended. */
async function isBegun(to: string, child: ChildProcess): Promise<void> {
  while (!existsSync(`${to}/UNFINISHED`) && child.exitCode === null) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Some megabytes of log, of a server that was stopped. */
async function filledDirectory(): Promise<string> {
  const dataDir = temporaryDirectory();
  const server = await spawnServer({ dataDir, environment: FAST });
  const load = startBackupLoad(server.url);
  await load.grow(300);
  await load.stop();
  server.signal('SIGTERM');
  expect(await server.ended).toBe(0);
  return dataDir;
}
