import { MUTANTS } from './mutants.js';

/** As docs/proof.md shows it: each with the test that finds it. */
export function listOfMutants(): string {
  const rows = MUTANTS.map(({ name, file, killer: [found, test] }) => [
    ...[name, `\`${file.replace(/^src\//, '')}\``, `\`${found.replace(/^tests\//, '')}\`: ${test}`],
  ]);
  const head = ['defect', 'in', 'found by'];
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
