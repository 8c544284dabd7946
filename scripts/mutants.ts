// npm run mutants [COUNT | WORD]: plants each defect of tests/mutants/mutants.ts (or every n-th, COUNT
// of them; or those with the word in their name or file) and runs the one test that is known to find
// it. Exit code 1 where one goes unfound, or none is meant. With
// --write (npm run mutants -- --write) docs/proof.md lists them all, if all were found.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listOfMutants } from '../tests/mutants/list-of-mutants.js';
import { MUTANTS, type Mutant } from '../tests/mutants/mutants.js';
import { reportProof } from '../tests/support/proof-figures.js';
import { markedParts, replaceFile } from './marked-parts.js';

const AT_ONCE = 2;
const VITEST = 'node_modules/vitest/vitest.mjs';
const PAGE = 'docs/proof.md';

type Verdict = 'killed' | 'SURVIVED' | 'CANNOT BE PLANTED';

const scratch = mkdtempSync(join(tmpdir(), 'mutants-'));
const [given] = process.argv.slice(2).filter((each) => each !== '--write');
const chosen = MUTANTS.filter(isMeant);
const waiting = [...chosen];
let unfound = 0;

await Promise.all(Array.from({ length: AT_ONCE }, runWaiting));
rmSync(scratch, { recursive: true });
const found = chosen.length - unfound;
reportProof({
  promise: 'all',
  fault: 'defects planted in the core',
  runs: `${chosen.length} mutants`,
  checked: `${found} killed, each by its named test`,
  wrong: unfound,
});
if (process.argv.includes('--write') && found === MUTANTS.length) {
  const page = readFileSync(PAGE, 'utf8');
  replaceFile(PAGE, markedParts('proof').withPart(page, 'mutants', listOfMutants()));
}
process.exitCode = unfound > 0 || chosen.length === 0 ? 1 : 0;

function isMeant({ name, file }: Mutant, index: number): boolean {
  const count = Number(given ?? MUTANTS.length);
  if (Number.isNaN(count)) return `${name} ${file}`.includes(given ?? '');
  return (index * count) % MUTANTS.length < count;
}

async function runWaiting(): Promise<void> {
  for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
    const verdict = await run(mutant);
    if (verdict !== 'killed') unfound += 1;
    console.log(`${verdict}: ${mutant.name} | ${mutant.killer.join(' › ')}`);
  }
}

async function run(mutant: Mutant): Promise<Verdict> {
  if (readFileSync(mutant.file, 'utf8').split(mutant.search).length !== 2) {
    return 'CANNOT BE PLANTED';
  }
  const [file, test] = mutant.killer;
  const report = join(scratch, `${MUTANTS.indexOf(mutant)}.json`);
  const only = `^${test.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}`;
  const options = ['--config', 'vitest.mutants.config.ts', '--reporter=json', '-t', only];
  await new Promise<void>((resolve) => {
    execFile(
      process.execPath,
      [VITEST, 'run', ...options, `--outputFile=${report}`, file],
      { env: { ...process.env, MUTANT: mutant.name } },
      () => resolve(), // what it found is in the report
    );
  });
  const { numFailedTests } = JSON.parse(readFileSync(report, 'utf8')) as { numFailedTests: number };
  return numFailedTests > 0 ? 'killed' : 'SURVIVED';
}
