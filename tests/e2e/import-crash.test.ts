import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { expectationOf, momentsIn, onHandAt } from '../cli/import-expectation.js';
import { SAMPLE, createOrderFile, seededRandom, spawnImport } from '../cli/import-harness.js';
import { cleanUp, spawnServer, temporaryDirectory } from '../support/spawned-server.js';

/** Every so many kills of the server, the importer dies with it, and both stay away for long. */
const OUTAGE_EVERY = 3;
const KEY_RETENTION_MS = 1_000;

afterEach(cleanUp);

/** How often each reference stands on an event that moved stock. */
function movesByReference(dataDir: string): Map<string, number> {
  const events = path.join(dataDir, 'events');
  const moves = new Map<string, number>();
  for (const file of readdirSync(events)) {
    for (const line of readFileSync(path.join(events, file), 'utf8').trimEnd().split('\n')) {
      const { reference, lines } = JSON.parse(line) as { reference?: string; lines?: object[] };
      if (reference === undefined || !lines?.length) continue;
      moves.set(reference, (moves.get(reference) ?? 0) + 1);
    }
  }
  return moves;
}

it('loses and doubles no unit of 10,000 order lines while the server and the importer are killed', async () => {
  const random = seededRandom();
  const csv = readFileSync(SAMPLE);
  const expected = expectationOf(csv);
  const orders = createOrderFile(csv);
  const dataDir = temporaryDirectory();
  const environment: Record<string, string> = {
    // Keys and closed reservations are forgotten within an outage.
    IDEMP_TTL_MS: String(KEY_RETENTION_MS),
    RESERVATION_RETENTION_MS: '0',
    RATE_LIMIT_RPS: '100000',
    RATE_LIMIT_BURST: '200000',
  };
  let server = await spawnServer({ dataDir, environment });
  const { url } = server;
  environment['PORT'] = new URL(url).port;
  const startImport = () => spawnImport(orders.file, '--url', url, '--patience', '60');
  let importer = startImport();
  try {
    let kills = 0;
    for (const bytes of momentsIn(expected, 3, () => random.next())) {
      if (!(await importer.hasReached(orders.progressFile, bytes))) break;
      server.signal('SIGKILL');
      kills += 1;
      await server.ended;
      if (kills % OUTAGE_EVERY === 0) {
        importer.kill();
        await importer.ended;
        await sleep(KEY_RETENTION_MS + 100);
        importer = startImport();
      }
      server = await spawnServer({ dataDir, environment });
    }
    const { code, stdout, stderr } = await importer.ended;

    const about = `SEED=${random.seed}\n${stderr}\n${stdout}`;
    expect(code, about).toBe(0);
    expect(stdout).toContain('ledger matches');
    expect(await onHandAt(url, expected), about).toEqual(expected.onHand);
    const doubled = [...movesByReference(dataDir)].filter(([, moves]) => moves !== 1);
    expect(doubled, about).toEqual([]);
    expect(kills, about).toBeGreaterThan(3);
  } finally {
    importer.kill();
    orders.remove();
  }
}, 180_000);
