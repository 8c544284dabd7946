// The fast tests of one folder, for Stryker (stryker.config.mjs); at their least size.
import { defineConfig } from 'vitest/config';

const STORAGE = ['tests/storage/**/*.test.ts'];
const DOMAIN = ['tests/domain', 'tests/application', 'tests/storage/memory'];

export default defineConfig({
  test: {
    environment: 'node',
    include:
      process.env.STRYKER_FOLDER === 'storage'
        ? STORAGE
        : DOMAIN.map((each) => `${each}/**/*.test.ts`),
    deps: { interopDefault: false },
    testTimeout: 20_000,
  },
});
