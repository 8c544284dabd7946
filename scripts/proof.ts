// npm run proof: the battery of tests that the README's "Proof" table speaks of, at PROOF_SCALE times
// the size of CI, and its figures. SEED repeats a run. Exit code 1 where anything does not hold.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ProofFigures } from '../tests/support/proof-figures.js';

const BATTERY = [
  'tests/application/service-model.test.ts',
  'tests/simulation',
  'tests/crash',
  'tests/storage/file/damage.test.ts',
  'tests/e2e/duplicate-storm.test.ts',
  'tests/e2e/linearizable-histories.test.ts',
  'tests/e2e/shared-directory.test.ts',
  'tests/linearizability',
];
const VITEST = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const TSX = fileURLToPath(new URL('../node_modules/tsx/dist/cli.mjs', import.meta.url));

const scratch = mkdtempSync(join(tmpdir(), 'proof-'));
const report = join(scratch, 'figures.jsonl');
const startedAt = Date.now();
const held = [run(VITEST, 'run', ...BATTERY), run(TSX, 'scripts/mutants.ts')];
const minutes = Math.round((Date.now() - startedAt) / 60_000);
const table = tableOf(figures());
rmSync(scratch, { recursive: true });
console.log(`\n${table}\n`);
const scale = process.env['PROOF_SCALE'] ?? '1';
const machine = `${cpus()[0]?.model ?? 'a machine'}, ${cpus().length} cores, ${release()}`;
const about = `PROOF_SCALE=${scale}, ${minutes} min, ${machine}, Node ${process.version}`;
console.log(about);
const kept = process.argv[2];
if (kept !== undefined) writeFileSync(kept, `${about}\n\n${table}\n`);
process.exitCode = held.every(Boolean) ? 0 : 1;

function run(script: string, ...given: string[]): boolean {
  const { status } = spawnSync(process.execPath, [script, ...given], {
    stdio: 'inherit',
    env: { ...process.env, PROOF_REPORT: report },
  });
  return status === 0;
}

function figures(): ProofFigures[] {
  if (!existsSync(report)) return [];
  const lines = readFileSync(report, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as ProofFigures);
}

function tableOf(all: readonly ProofFigures[]): string {
  const head = ['promise', 'fault', 'runs', 'checked', 'wrong', 'seed'];
  const rows = all.map(({ promise, fault, runs, checked, wrong, seed }) => [
    ...[promise, fault, runs, checked, String(wrong), String(seed ?? '')],
  ]);
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
