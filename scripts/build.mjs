// Compiles src/ into dist/ when, and only when, dist/ is not what the sources say. Safe to call from
// many processes at once: a kernel lock lets one compile, the others find its work done.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = path.resolve(import.meta.dirname, '..');
const dist = path.join(root, 'dist');
const lockFile = path.join(root, '.build.lock');
const lockPollMs = 50;
const lockWaitMs = 120_000;

/** Makes dist/ current. Throws `BuildError` where the sources do not compile: dist/ stays as it was. */
export async function ensureBuilt() {
  if (isCurrent()) return;
  const lock = await takeBuildLock();
  try {
    if (!isCurrent()) await compile();
  } finally {
    fs.closeSync(lock);
  }
}

export class BuildError extends Error {}

/** For scripts: a failed build has printed its errors already, so end without a stack trace. */
export async function ensureBuiltOrExit() {
  try {
    await ensureBuilt();
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

function isCurrent() {
  return readIfThere(path.join(dist, '.build-hash'))?.toString() === sourceHash();
}

/** SHA-256 over everything that decides what the compiler writes, names and lengths included. */
function sourceHash() {
  const hash = createHash('sha256');
  const { version } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  hash.update(`package version ${version}\n${installed()}`);
  for (const file of sourceFiles()) {
    const content = readIfThere(path.join(root, file));
    if (content === undefined) continue;
    hash.update(`${file} ${content.length}\n`);
    hash.update(content);
  }
  return hash.digest('hex');
}

/**
 * The packages that are bundled: those that are there, whatever package-lock.json says. Not what only
 * development needs: where that was removed, what was built before is still what the sources say.
 */
function installed() {
  const list = readIfThere(path.join(root, 'node_modules', '.package-lock.json'));
  if (list === undefined) return '';
  /** @type {{ packages: Record<string, { version?: string, integrity?: string, dev?: boolean, devOptional?: boolean }> }} */
  const { packages } = JSON.parse(list.toString());
  return Object.entries(packages)
    .filter(([, { dev, devOptional }]) => dev !== true && devOptional !== true)
    .map(([name, { version, integrity }]) => `${name} ${version} ${integrity}\n`)
    .join('');
}

function sourceFiles() {
  const configs = fs.readdirSync(root).filter((name) => /^tsconfig.*\.json$/.test(name));
  const sources = ['src', 'types'].flatMap((folder) =>
    fs
      .readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name))),
  );
  return [...configs, 'package-lock.json', 'scripts/build.mjs', ...sources].sort();
}

/** Returns the locked descriptor; closing it, or dying, lets go. */
async function takeBuildLock() {
  // Imported here: a start that has nothing to build needs no native code.
  const { tryLock } = await import('fs-native-extensions');
  for (let waitedMs = 0; waitedMs <= lockWaitMs; waitedMs += lockPollMs) {
    const descriptor = fs.openSync(lockFile, 'a+'); // a lock needs a descriptor open for both
    if (tryLock(descriptor) && isStillAt(lockFile, descriptor)) return descriptor;
    fs.closeSync(descriptor);
    if (waitedMs === 0) console.error('waiting for another build');
    await sleep(lockPollMs);
  }
  throw new BuildError(`another build has held ${lockFile} for ${lockWaitMs / 1000} s`);
}

/** Someone may have removed the file: whoever creates it anew would be a second holder. */
function isStillAt(/** @type {string} */ file, /** @type {number} */ descriptor) {
  return fs.statSync(file, { throwIfNoEntry: false })?.ino === fs.fstatSync(descriptor).ino;
}

/** Under the lock. One rename publishes the compiled files together with the hash they belong to. */
async function compile() {
  removeLeftovers();
  const hash = sourceHash(); // before the compiler reads: an edit meanwhile means another build
  const fresh = fs.mkdtempSync(`${dist}.new-`);
  try {
    await runCompiler(fresh);
    fs.writeFileSync(path.join(fresh, '.build-hash'), hash);
    fs.chmodSync(fresh, 0o755);
    if (fs.existsSync(dist)) fs.renameSync(dist, `${dist}.old-${process.pid}`);
    fs.renameSync(fresh, dist);
  } finally {
    removeLeftovers();
  }
}

/** Only the holder of the lock makes these, so what is found here belongs to nobody alive. */
function removeLeftovers() {
  for (const name of fs.readdirSync(root)) {
    if (!/^dist\.(new|old)-/.test(name)) continue;
    fs.rmSync(path.join(root, name), { recursive: true, force: true, maxRetries: 5 });
  }
}

async function runCompiler(/** @type {string} */ outDir) {
  console.error('compiling src/');
  check('tsconfig.build.json');
  check('tsconfig.client.json', '--outDir', outDir); // the client's types, for those who install it
  await bundle(outDir);
}

/**
 * What starts a process or a thread, and what it loads, packages included: a process that finds its code
 * in a few files starts in little more than half the time that some 500 take.
 */
async function bundle(/** @type {string} */ outDir) {
  // Imported here: a start that has nothing to build needs none of it, and finds none where only what
  // the service needs was installed.
  const { build } = await import('esbuild');
  const commands = fs.readdirSync(path.join(root, 'src', 'cli')).filter(isSource);
  const entries = ['main.ts', 'client/index.ts', 'storage/file/integrity/check-thread.ts'];
  await build({
    absWorkingDir: path.join(root, 'src'),
    entryPoints: [...entries, ...commands.map((file) => `cli/${file}`)],
    outdir: outDir,
    outbase: '.',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    // They have files of their own that they look for; the last ones are loaded where they are wanted.
    external: ['fs-native-extensions', 'swagger-ui-dist', '@opentelemetry/*'],
    banner: { js: REQUIRE },
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
  });
}

/** For the packages that are CommonJS, and ask for modules of Node. */
const REQUIRE = `import { createRequire as requireOf } from 'node:module';
const require = requireOf(import.meta.url);`;

function isSource(/** @type {string} */ name) {
  return name.endsWith('.ts');
}

function check(/** @type {string} */ config, /** @type {string[]} */ ...options) {
  const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const project = path.join(root, config);
  const { status, stdout, stderr, error } = spawnSync(
    process.execPath,
    [compiler, '--project', project, ...options],
    { cwd: root, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
  );
  if (error) throw error;
  if (status !== 0) {
    process.stderr.write(stdout + stderr);
    throw new BuildError('src/ does not compile; dist/ was left as it was');
  }
}

function readIfThere(/** @type {string} */ file) {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

const startedAs = process.argv[1];
if (startedAs && fs.realpathSync(startedAs) === fileURLToPath(import.meta.url)) {
  await ensureBuiltOrExit();
}
