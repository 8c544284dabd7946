// The tests with one defect planted: MUTANT says which of tests/mutants/mutants.ts.
import { defineConfig } from 'vitest/config';
import { MUTANTS } from './tests/mutants/mutants.js';

const mutant = MUTANTS.find(({ name }) => name === process.env.MUTANT);

export default defineConfig({
  plugins: [
    {
      name: 'plant-mutant',
      enforce: 'pre',
      transform(code, id) {
        if (mutant === undefined || !id.endsWith(`/${mutant.file}`)) return undefined;
        return code.replace(mutant.search, () => mutant.replace);
      },
    },
  ],
  test: {
    environment: 'node',
    include: ['tests/**/*.test.ts'],
    deps: { interopDefault: false },
    pool: 'forks',
    testTimeout: 8_000,
  },
});
