// npm run stryker -- domain|storage [Stryker's own options]: see stryker.config.mjs.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const [folder, ...options] = process.argv.slice(2);
if (folder !== 'domain' && folder !== 'storage') {
  console.error('usage: npm run stryker -- domain|storage [options of stryker run]');
  process.exit(2);
}
const cli = fileURLToPath(
  new URL('../node_modules/@stryker-mutator/core/bin/stryker.js', import.meta.url),
);
const { status } = spawnSync(process.execPath, [cli, 'run', ...options], {
  stdio: 'inherit',
  // The random tests at their least size, and the same each time.
  env: { PROOF_SCALE: '0.1', SEED: '1', ...process.env, STRYKER_FOLDER: folder },
});
process.exitCode = status ?? 1;
