import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { markedParts } from '../../scripts/marked-parts.js';
import { listOfMutants } from './list-of-mutants.js';
import { MUTANTS } from './mutants.js';

describe('the planted defects', () => {
  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
    'can be planted: %s',
    (_, { file, search, replace, killer }) => {
      expect(readFileSync(file, 'utf8').split(search)).toHaveLength(2);
      expect(replace).not.toBe(search);
      expect(() => readFileSync(killer[0])).not.toThrow();
    },
  );

  it('are those that docs/proof.md lists: else run `npm run mutants -- --write`', () => {
    const page = readFileSync('docs/proof.md', 'utf8');
    expect(markedParts('proof').partOf(page, 'mutants')).toBe(listOfMutants());
  });
});
