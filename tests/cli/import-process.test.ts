import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectationOf, momentsIn, onHandAt } from './import-expectation.js';
import {
  SAMPLE,
  createOrderFile,
  deadUrl,
  seededRandom,
  spawnImport,
  startMemoryService,
} from './import-harness.js';

let service: Awaited<ReturnType<typeof startMemoryService>>;
let orders: ReturnType<typeof createOrderFile>;
beforeEach(async () => {
  service = await startMemoryService();
  orders = createOrderFile(readFileSync(SAMPLE, 'utf8').split('\n').slice(0, 3_000).join('\n'));
});
afterEach(async () => {
  orders.remove();
  await service.stop();
});

describe('the import command', () => {
  it('killed at random moments and started again ends with every unit where it belongs', async () => {
    const random = seededRandom();
    const expected = expectationOf(readFileSync(orders.file));
    let kills = 0;
    for (const bytes of momentsIn(expected, 3, () => random.next())) {
      const importer = spawnImport(orders.file, '--url', service.url);
      if (!(await importer.hasReached(orders.progressFile, bytes))) break;
      importer.kill();
      await importer.ended;
      kills += 1;
    }
    const { code, stdout, stderr } = await spawnImport(orders.file, '--url', service.url).ended;

    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('ledger matches');
    expect(await onHandAt(service.url, expected), `SEED=${random.seed}`).toEqual(expected.onHand);
    expect(kills, `SEED=${random.seed}`).toBeGreaterThan(3);
  });

  it('ends with 1 where the ledger differs', async () => {
    expect((await spawnImport(orders.file, '--url', service.url).ended).code).toBe(0);
    await fetch(`${service.url}/api/inventory/stores/France/inventory/22728/adjust`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"delta":1}',
    });
    const { code, stdout } = await spawnImport(orders.file, '--url', service.url).ended;

    expect(code).toBe(1);
    expect(stdout).toContain('  France/22728: ledger 0 on hand, 0 reserved; service 1 on hand');
  });

  it('says in one line what is wrong', async () => {
    const missing = await spawnImport('/no/such.csv').ended;
    expect(missing).toMatchObject({ code: 1, stdout: '' });
    expect(missing.stderr).toMatch(/^\/no\/such\.csv: ENOENT.*\n$/);

    const unreachable = ['--url', await deadUrl(), '--patience', '0'];
    const { code, stderr } = await spawnImport(orders.file, ...unreachable).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^.*orders\.csv: gave up after 0 s .*ECONNREFUSED.*\n$/);
  });

  it('explains itself, and ends with 2 where it is used wrongly', async () => {
    const help = await spawnImport('--help').ended;
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('Usage: npm run import');

    const wrong = await spawnImport().ended;
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(wrong.stderr).toContain('Usage: npm run import');
  });
});
