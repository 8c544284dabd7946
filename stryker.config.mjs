// npm run stryker -- domain|storage [more of Stryker's own options]: defects made by a machine, one at
// a time, against the fast tests of that folder. Not a part of the check: it takes long.
const FOLDERS = { domain: 'src/domain/**/*.ts', storage: 'src/storage/file/**/*.ts' };
const folder = process.env.STRYKER_FOLDER ?? 'domain';

export default {
  mutate: [FOLDERS[folder]],
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.stryker.config.ts', related: false },
  plugins: ['@stryker-mutator/vitest-runner'],
  coverageAnalysis: 'perTest',
  ignoreStatic: true,
  concurrency: 1,
  timeoutMS: 10_000,
  tempDirName: '.stryker-tmp',
  ignorePatterns: ['bench', 'coverage', 'data', 'deploy', 'dist', 'docs'],
  reporters: ['clear-text', 'json', 'progress-append-only'],
  clearTextReporter: { allowColor: false, reportTests: false, reportMutants: false },
  jsonReporter: { fileName: 'coverage/stryker.json' },
};
