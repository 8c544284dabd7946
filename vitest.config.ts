import { defineConfig } from 'vitest/config';

const inCi = process.env.CI === 'true';

export default defineConfig({
  test: {
    environment: 'node',
    include: ['tests/**/*.test.ts'],
    setupFiles: ['tests/support/answer-watch.ts'],
    globalSetup: ['scripts/build-before-tests.mjs'],
    deps: { interopDefault: false }, // a CommonJS default import means here what it means in Node
    pool: 'forks',
    // One more than two cores: many a file waits for the servers that it has spawned.
    maxWorkers: 3,
    // Whole files share a process: no test leaves anything behind, and to load all anew costs a third.
    isolate: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: inCi ? ['default', 'json'] : ['default'],
    outputFile: { json: '.ci/test-report.json' },
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text-summary', 'html', 'lcov'],
      reportsDirectory: 'coverage',
    },
  },
});
