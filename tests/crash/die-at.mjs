// Imported into a spawned server before anything else: ends the process, as kill -9 does, with one
// chosen call to the disk. The server is the one that ships, and every call goes to the real disk;
// a thread that makes snapshots counts its own calls.
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
let seen = 0;

if (point !== undefined) {
  const { open, write, fdatasync, fsync } = fs;
  const { rename } = fs.promises;
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
    call('write', paths.get(fd), write, given, () =>
      fs.writeSync(fd, bytes, offset, length >> 1, position),
    );
  };
  whole.fdatasync = (/** @type {[number, Done]} */ ...given) =>
    call('sync', paths.get(given[0]), fdatasync, given);
  whole.fsync = (/** @type {[number, Done]} */ ...given) =>
    call('sync', paths.get(given[0]), fsync, given);
  fs.promises.rename = async (from, to) => {
    const when = whenOf('rename', String(to));
    if (when === 'before') die();
    await rename(from, to);
    if (when !== undefined) die();
  };
  syncBuiltinESMExports();
}

/**
 * @param {CrashPoint['call']} name
 * @param {string | undefined} path
 * @param {Function} real
 * @param {unknown[]} given with its callback at the end
 * @param {() => void} [half]
 */
function call(name, path, real, given, half) {
  const when = whenOf(name, path);
  if (when === 'before') die();
  if (when === 'half') {
    half?.();
    die();
  }
  if (when === 'after') real(...given.slice(0, -1), die);
  else real(...given);
}

/** @param {string} name @param {string | undefined} path */
function whenOf(name, path = '') {
  if (point === undefined || name !== point.call) return undefined;
  if (!new RegExp(point.path).test(path)) return undefined;
  seen += 1;
  return seen === point.nth ? point.when : undefined;
}

function die() {
  process.kill(process.pid, 'SIGKILL');
  // Not one more step of this thread, until the signal has come.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
