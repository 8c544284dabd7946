// The fast tests of one folder, for Stryker (stryker.config.mjs); at their least size.
import { defineConfig } from 'vitest/config';

const DOMAIN = ['domain', 'application', 'storage/memory'].map(
  (each) => `tests/${each}/**/*.test.ts`,
);
/** Those of what a write and a start decide; the others are long even at their least. */
const STORAGE = [
  'log/event-log',
  'log/group-commit',
  'recovery/recovery',
  'recovery/refused-start',
  'format/segment-scan',
  'snapshot/snapshot-retry',
].map((each) => `tests/storage/file/${each}.test.ts`);

export default defineConfig({
  test: {
    environment: 'node',
    include: process.env.STRYKER_FOLDER === 'storage' ? STORAGE : DOMAIN,
    deps: { interopDefault: false },
    testTimeout: 20_000,
  },
});
