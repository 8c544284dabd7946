import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { cleanUp, spawnServer, temporaryDirectory } from '../support/spawned-server.js';

const run = promisify(execFile);

/** What the README shows, and somebody outside would write on their first day. */
function programOfReadme(url: string): string {
  const [, program = ''] = /```ts\n([^]*?)```/.exec(readFileSync('README.md', 'utf8')) ?? [];
  return program.replace('http://127.0.0.1:3000', url);
}

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
    target: 'ES2022',
    module: 'NodeNext',
    strict: true,
    outDir: 'out',
    types: ['node'],
    skipLibCheck: false,
    exactOptionalPropertyTypes: true,
  };
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['main.ts', 'wrong.ts'] }),
  );
  return directory;
}

/** Compiles what it is given by name; resolves with what the compiler has to say. */
async function compile(
  directory: string,
  sources: Readonly<Record<string, string>>,
): Promise<string> {
  for (const [name, source] of Object.entries(sources)) {
    writeFileSync(join(directory, name), source);
  }
  const compiler = resolve('node_modules/typescript/bin/tsc');
  try {
    return (await run(process.execPath, [compiler, '--project', directory])).stdout;
  } catch (error) {
    return (error as { readonly stdout: string }).stdout;
  }
}

afterEach(cleanUp);

it('the client, packed and used by a project outside, is typed and works alone', async () => {
  const directory = await outsideProject();
  const { url } = await spawnServer({ dataDir: temporaryDirectory() });

  const said = await compile(directory, { 'main.ts': programOfReadme(url), 'wrong.ts': WRONG });
  expect(said.trim().split('\n')).toEqual([
    expect.stringMatching(/\bwrong\.ts\(3,\d+\): .*'amount' does not exist in type 'Adjust'/),
  ]);
  const { stdout } = await run(process.execPath, [join(directory, 'out', 'main.js')]);

  expect(readdirSync(join(directory, 'node_modules')).sort()).toEqual([
    '@types',
    'distributed-inventory',
    'undici-types',
  ]);
  expect(stdout.trim().split('\n')).toEqual([
    'paid while active',
    'insufficient-stock 13',
    '1 StockAdjusted',
    '2 StockReserved',
    '3 StockCommitted',
    '4 StockAdjusted',
  ]);
}, 120_000);
