import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FileSystem, type OpenFile, errorCode } from './file-system.js';
import { makeDirectory } from './make-directory.js';

/** Data belongs to the service's user alone. */
const FILE_MODE = 0o600;

type Callback<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

/**
 * Plain descriptors and callbacks: half the cost of FileHandle, and no garbage-collected handle.
 */
function call<T>(start: (done: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error === null) resolve(value);
      else reject(error);
    });
  });
}

function openFile(descriptor: number): OpenFile {
  return {
    read: (buffer, position) =>
      call((done) => fs.read(descriptor, buffer, 0, buffer.length, position, done)),
    append: (bytes) => call((done) => fs.write(descriptor, bytes, 0, bytes.length, null, done)),
    overwrite: (bytes) => void fs.writeSync(descriptor, bytes, 0, bytes.length, 0),
    dataSync: () => call((done) => fs.fdatasync(descriptor, done as fs.NoParamCallback)),
    truncate: (bytes) =>
      call((done) => fs.ftruncate(descriptor, bytes, done as fs.NoParamCallback)),
    size: () => call<fs.Stats>((done) => fs.fstat(descriptor, done)).then((stats) => stats.size),
    close: () => call((done) => fs.close(descriptor, done as fs.NoParamCallback)),
  };
}

async function open(path: string, flags: string | number): Promise<OpenFile> {
  return openFile(await call<number>((done) => fs.open(path, flags, FILE_MODE, done)));
}

/** Out of descriptors or memory for now: says nothing about the directory or about any sync. */
const PASSING: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'ENOMEM']);
const TRY_AGAIN_MS = 20;
/** By then idle connections have been closed, which frees their descriptors. */
const TRIES_MAX = 120_000 / TRY_AGAIN_MS;

/** Retries: the caller has changed the directory already, and cannot undo it. */
async function openDirectory(path: string): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call<number>((done) => fs.open(path, 'r', done));
    } catch (error) {
      if (!PASSING.has(errorCode(error)) || tries === TRIES_MAX) throw error;
      await sleep(TRY_AGAIN_MS);
    }
  }
}

async function syncDirectory(path: string): Promise<void> {
  const descriptor = await openDirectory(path);
  try {
    await call((done) => fs.fsync(descriptor, done as fs.NoParamCallback));
  } finally {
    fs.close(descriptor, () => undefined);
  }
}

/** The real disk. */
export function createNodeFileSystem(): FileSystem {
  return {
    openAppend: (path) => open(path, 'a+'),
    create: (path) => open(path, 'ax+'),
    openRead: (path) => open(path, 'r'),
    openOverwrite: (path) => open(path, fs.constants.O_RDWR | fs.constants.O_CREAT),
    rename: (from, to) => fs.promises.rename(from, to),
    remove: (path) => fs.promises.unlink(path),
    // Async, so that an exception becomes a rejection. Called rarely, and never under load.
    makeDirectory: async (path) => makeDirectory(path),
    list: (path) => fs.promises.readdir(path),
    syncDirectory,
  };
}
