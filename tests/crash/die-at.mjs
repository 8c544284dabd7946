// Imported into a spawned server before anything else: ends the process, as kill -9 does, with one
// chosen call to the disk. The server is the one that ships, and every call goes to the real disk;
// a thread that reads segments counts its own calls.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/**
 * @typedef {import('./crash-point.js').CrashPoint} CrashPoint
 * @typedef {(error: Error | null, value?: unknown) => void} Done
 */

/** @type {CrashPoint | undefined} */
const point = process.env.CRASH_POINT ? JSON.parse(process.env.CRASH_POINT) : undefined;
/** @type {Map<number, string>} */
const paths = new Map();
/** What is counted: first the calls that it is to follow, if there are any; then those it is among. */
let awaited = point?.since ?? point;
let left = point?.nth ?? 0;

if (point !== undefined) {
  const { open, write, fdatasync, fsync, openSync, writeSync } = fs;
  const { rename, unlink } = fs.promises;
  const whole = /** @type {any} */ (fs);

  whole.open = (/** @type {string} */ path, /** @type {unknown[]} */ ...rest) => {
    const done = /** @type {Done} */ (rest.pop());
    /** @type {Function} */ (open)(
      path,
      ...rest,
      (/** @type {any} */ error, /** @type {any} */ fd) => {
        if (error === null) paths.set(fd, path);
        done(error, fd);
      },
    );
  };
  whole.write = (/** @type {[number, Buffer, number, number, number | null, Done]} */ ...given) => {
    const [fd, bytes, offset, length, position] = given;
    const half = () => writeSync(fd, bytes, offset, length >> 1, position);
    const text = () => bytes.toString('latin1', offset, offset + length);
    call({ name: 'write', path: paths.get(fd), text }, write, given, half);
  };
  whole.fdatasync = (/** @type {[number, Done]} */ ...given) =>
    call({ name: 'sync', path: paths.get(given[0]) }, fdatasync, given);
  whole.fsync = (/** @type {[number, Done]} */ ...given) =>
    call({ name: 'sync', path: paths.get(given[0]) }, fsync, given);
  // The watermark is written so; that of several servers is opened so, too.
  whole.openSync = (/** @type {Parameters<typeof openSync>} */ ...given) => {
    const fd = openSync(...given);
    paths.set(fd, String(given[0]));
    return fd;
  };
  whole.writeSync = (/** @type {[number, Buffer]} */ ...given) => {
    if (whenOf({ name: 'write', path: paths.get(given[0]) }) === 'before') die();
    return writeSync(...given);
  };
  fs.promises.rename = async (from, to) => {
    await promised({ name: 'rename', path: String(to) }, () => rename(from, to));
  };
  fs.promises.unlink = async (path) => {
    // To remove what is not there is nothing to interrupt.
    if (!fs.existsSync(path)) await unlink(path);
    else await promised({ name: 'remove', path: String(path) }, () => unlink(path));
  };
  syncBuiltinESMExports();
}

/**
 * @typedef {{ name: CrashPoint['call'], path: string | undefined, text?: () => string }} Called
 */

/**
 * @param {Called} called
 * @param {Function} real
 * @param {unknown[]} given with its callback at the end
 * @param {() => void} [half]
 */
function call(called, real, given, half) {
  const when = whenOf(called);
  if (when === 'before') die();
  if (when === 'half') {
    half?.();
    die();
  }
  if (when === 'after') real(...given.slice(0, -1), die);
  else real(...given);
}

/** @param {Called} called @param {() => Promise<void>} real */
async function promised(called, real) {
  const when = whenOf(called);
  if (when === 'before') die();
  await real();
  if (when !== undefined) die();
}

/** @param {Called} called */
function whenOf(called) {
  if (point === undefined || awaited === undefined || !isOne(awaited, called)) return undefined;
  left -= 1;
  if (left > 0) return undefined;
  const isIt = awaited === point;
  awaited = isIt ? undefined : point;
  left = 1;
  return isIt ? point.when : undefined;
}

/** @param {{ call: string, path: string, text?: string }} wanted @param {Called} called */
function isOne(wanted, { name, path = '', text }) {
  if (name !== wanted.call || !new RegExp(wanted.path).test(path)) return false;
  return wanted.text === undefined || (text?.().includes(wanted.text) ?? false);
}

function die() {
  process.kill(process.pid, 'SIGKILL');
  // Not one more step of this thread, until the signal has come.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
