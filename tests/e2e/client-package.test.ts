import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { cleanUp, spawnServer, temporaryDirectory } from '../support/spawned-server.js';

const run = promisify(execFile);

/** What somebody outside would write on their first day. */
const PROGRAM = `
import { InventoryClient, InventoryProblem, type StockEvent } from 'distributed-inventory/client';

const client = new InventoryClient({ url: process.argv[2] ?? '' });
const lamp = { storeId: 'BERLIN', sku: 'LAMP' };

await client.adjust(lamp, { delta: 5, reason: 'delivery' });
const paid: string = await client.hold({ lines: [{ ...lamp, qty: 2 }] }, async ({ id }) => id);
await client.change(lamp, (record) => ({ delta: record === undefined ? 1 : record.qty }));
try {
  await client.reserve(lamp, { qty: 100 });
} catch (error) {
  if (!(error instanceof InventoryProblem) || error.code !== 'insufficient-stock') throw error;
}
const events: StockEvent[] = [];
for await (const event of client.events()) {
  events.push(event);
  if (event.sequence === 4) break;
}
const record = await client.record(lamp);
console.log(JSON.stringify({ paid: paid.length, qty: record?.qty, types: events.map((e) => e.type) }));
`;

/** It must not compile: the types are those of the service. */
const WRONG = `
import { InventoryClient } from 'distributed-inventory/client';
await new InventoryClient({ url: '' }).adjust({ storeId: 'S', sku: 'K' }, { amount: 5 });
`;

/** A project of its own with the packed package in it, and nothing else that is installed. */
async function outsideProject(): Promise<string> {
  const directory = temporaryDirectory();
  const pack = ['pack', '--silent', '--pack-destination', directory];
  const { stdout } = await run('npm', pack);
  const archive = join(directory, stdout.trim().split('\n').at(-1) ?? '');
  const installed = join(directory, 'node_modules', 'distributed-inventory');
  mkdirSync(installed, { recursive: true });
  await run('tar', ['-xzf', archive, '-C', installed, '--strip-components=1']);
  // What every TypeScript project for Node has.
  mkdirSync(join(directory, 'node_modules', '@types'));
  for (const name of ['@types/node', 'undici-types']) {
    symlinkSync(resolve('node_modules', name), join(directory, 'node_modules', name));
  }
  const compilerOptions = {
    ...{ target: 'ES2022', module: 'NodeNext', strict: true, outDir: 'out', types: ['node'] },
    ...{ skipLibCheck: false, exactOptionalPropertyTypes: true },
  };
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['main.ts'] }),
  );
  return directory;
}

async function compile(directory: string, source: string): Promise<string> {
  writeFileSync(join(directory, 'main.ts'), source);
  const compiler = resolve('node_modules/typescript/bin/tsc');
  try {
    await run(process.execPath, [compiler, '--project', directory]);
    return '';
  } catch (error) {
    return (error as { readonly stdout: string }).stdout;
  }
}

afterEach(cleanUp);

it('the client, packed and used by a project outside, is typed and works alone', async () => {
  const directory = await outsideProject();
  const { url } = await spawnServer({ dataDir: temporaryDirectory() });

  expect(await compile(directory, WRONG)).toContain("'amount' does not exist in type 'Adjust'");
  expect(await compile(directory, PROGRAM)).toBe('');
  const { stdout } = await run(process.execPath, [join(directory, 'out', 'main.js'), url]);

  expect(readdirSync(join(directory, 'node_modules')).sort()).toEqual([
    '@types',
    'distributed-inventory',
    'undici-types',
  ]);
  expect(JSON.parse(stdout)).toEqual({
    paid: 36,
    qty: 6,
    types: ['StockAdjusted', 'StockReserved', 'StockCommitted', 'StockAdjusted'],
  });
}, 120_000);
