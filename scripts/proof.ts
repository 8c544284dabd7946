// npm run proof: the battery of tests that the README's "Proof" table speaks of, at PROOF_SCALE times
// the size of CI, and its figures. SEED repeats a run. With --write (npm run proof -- --write) the
// tables of README.md and docs/proof.md become those of this run. Exit code 1 where anything does
// not hold; then nothing is written.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ProofFigures } from '../tests/support/proof-figures.js';
import { markedParts, replaceFile } from './marked-parts.js';

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

const isWritten = process.argv.includes('--write');
const scale = process.env['PROOF_SCALE'] ?? '1';
// One for all of it, so that one command repeats it.
const seed = process.env['SEED'] ?? String(Math.floor(Math.random() * 2 ** 31));
const before = loadavg()[0]?.toFixed(1);
const scratch = mkdtempSync(join(tmpdir(), 'proof-'));
const report = join(scratch, 'figures.jsonl');
const startedAt = Date.now();
const batteryHeld = run(VITEST, 'run', ...BATTERY);
const mutantsFound = run(
  TSX,
  'scripts/mutants.ts',
  ...(isWritten && batteryHeld ? ['--write'] : []),
);
const held = batteryHeld && mutantsFound;
const minutes = Math.round((Date.now() - startedAt) / 60_000);
const all = figures();
rmSync(scratch, { recursive: true });
const about = `\`PROOF_SCALE=${scale} SEED=${seed} npm run proof\`, ${minutes} min, ${whereAndWhen()}`;
console.log(`\n${tableOf(all, ['seed'])}\n\n${about}`);
if (held && isWritten) write();
process.exitCode = held ? 0 : 1;

function run(script: string, ...given: string[]): boolean {
  const { status } = spawnSync(process.execPath, [script, ...given], {
    stdio: 'inherit',
    env: { ...process.env, PROOF_REPORT: report, SEED: seed },
  });
  return status === 0;
}

/** In the order of the promises, whichever test came to its end first. */
function figures(): ProofFigures[] {
  if (!existsSync(report)) return [];
  const lines = readFileSync(report, 'utf8').trimEnd().split('\n');
  const given = lines.map((line) => JSON.parse(line) as ProofFigures);
  const nameOf = ({ promise, fault }: ProofFigures) =>
    `${promise === 'all' ? 'P99' : promise} ${fault}`;
  return given.sort((a, b) => nameOf(a).localeCompare(nameOf(b), 'en', { numeric: true }));
}

function tableOf(given: readonly ProofFigures[], more: readonly 'seed'[] = []): string {
  const head = ['promise', 'fault', 'runs', 'checked', 'wrong', ...more] as const;
  const rows = given.map((row) => head.map((name) => String(row[name] ?? '')));
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function whereAndWhen(): string {
  const [first] = cpus();
  return (
    `${first?.model.trim() ?? 'unknown CPU'}, ${cpus().length} cores, Linux ${release()}, ` +
    `load average before ${before}; Node ${process.version.slice(1)}; ` +
    `commit ${commit()}; ${new Date().toISOString().slice(0, 10)}`
  );
}

function commit(): string {
  const hash = spawnSync('git', ['rev-parse', '--short=10', 'HEAD'], { encoding: 'utf8' });
  return hash.status === 0 ? hash.stdout.trim() : 'unknown';
}

function write(): void {
  const { withPart } = markedParts('proof');
  const tables = { 'README.md': tableOf(all), 'docs/proof.md': tableOf(all, ['seed']) };
  for (const [path, table] of Object.entries(tables)) {
    const page = readFileSync(path, 'utf8');
    replaceFile(path, withPart(page, 'table', `${table}\n\n(${about}.)`));
  }
}
