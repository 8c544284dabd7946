import { setImmediate as nextTurn } from 'node:timers/promises';
import { dirname, basename } from 'node:path';
import type { FileSystem, OpenFile } from '../../src/storage/file/disk/file-system.js';
import type { SeededRandom } from './seeded-random.js';
import { type Entry, SimulatedDirectory } from './simulated-directory.js';
import { SimulatedFile } from './simulated-file.js';

/**
 * A disk in memory that keeps only what it promised: bytes that were synced, names whose directory
 * was synced. Everything it chooses, and when, comes from one seed.
 */
export interface SimulatedDisk {
  /** The process that runs now. */
  readonly life: Life;
  /** Bytes that may still be written before it is full. */
  room: number;
  /** This life ends with its n-th operation from now: before, during or after it. */
  dieAt(operation: number): void;
  /** Its next sync fails; of a file, some of the bytes are lost then, and nothing shows it. */
  failNextSync(): void;
  /** Ends this life, if it lives, as kill -9 does: what it wrote is still to be seen. */
  kill(): void;
  /** Ends it as a power loss does: of what was not synced, any part is there, and any missing. */
  losePower(): void;
  /** Every file as processes see it, by its path. */
  files(): Map<string, Buffer>;
  /** Puts a file there behind everybody's back, durably; undefined: takes it away. */
  put(path: string, bytes: Uint8Array | undefined): void;
}

export interface SimulatedDiskOptions {
  /** How many turns of the event loop an operation takes at the most, before and after its effect. */
  readonly turnsMax?: number;
  /** In place of those turns: what an operation waits for, before and after its effect. */
  readonly pause?: () => Promise<void>;
  /** How often a write takes only some of what it is given, though there is room. */
  readonly shortWrites?: number;
  readonly files?: ReadonlyMap<string, Uint8Array>;
}

/** A process, from its start to its end: from then on none of its operations settles. */
export interface Life {
  readonly fileSystem: FileSystem;
  /** How many operations it has begun. */
  readonly operations: number;
  readonly over: boolean;
  /** Resolves when it is over. */
  readonly death: Promise<void>;
}

interface RunningLife extends Life {
  operations: number;
  over: boolean;
  diesAt: number;
  end(): void;
}

export function createSimulatedDisk(
  random: SeededRandom,
  { turnsMax = 2, files = new Map(), shortWrites = 0, ...options }: SimulatedDiskOptions = {},
): SimulatedDisk {
  const top = new SimulatedDirectory();
  const pause = options.pause ?? turns;
  let room = Infinity;
  let syncFails = false;
  let life = newLife();

  function newLife(): RunningLife {
    let announce!: () => void;
    const death = new Promise<void>((resolve) => {
      announce = resolve;
    });
    const born: RunningLife = {
      fileSystem: fileSystemOf(
        (whole, part) => operate(born, whole, part),
        (whole) => operateNow(born, whole),
      ),
      death,
      end() {
        born.over = true;
        announce();
      },
      over: false,
      operations: 0,
      diesAt: NaN,
    };
    return born;
  }

  /** `whole`: the operation; `part`: what of it may have happened when this life ends within. */
  async function operate<T>(mine: RunningLife, whole: () => T, part?: () => void): Promise<T> {
    mine.operations += 1;
    const last = mine.operations === mine.diesAt;
    await pause();
    if (last) {
      const moment = random.int(3);
      if (moment === 1) part?.();
      if (moment === 2) attempt(whole);
      mine.end();
    }
    if (mine.over) await forever();
    const result = attempt(whole);
    await pause();
    if (mine.over) await forever();
    if ('error' in result) throw result.error;
    return result.value;
  }

  /** What is not waited for: the process may end before it or after it, and knows of neither. */
  function operateNow(mine: RunningLife, whole: () => void): void {
    mine.operations += 1;
    const last = mine.operations === mine.diesAt;
    if (last && random.int(2) === 0) mine.end();
    if (!mine.over) whole();
    if (last) mine.end();
  }

  async function turns(): Promise<void> {
    for (let left = random.int(turnsMax + 1); left > 0; left -= 1) await nextTurn();
  }

  function entry(path: string): Entry | undefined {
    return path === '/' ? top : directory(dirname(path)).get(basename(path));
  }

  function directory(path: string): SimulatedDirectory {
    const found = entry(path);
    if (!(found instanceof SimulatedDirectory)) throw systemError('ENOENT', path);
    return found;
  }

  function file(path: string): SimulatedFile {
    const found = entry(path);
    if (!(found instanceof SimulatedFile)) throw systemError('ENOENT', path);
    return found;
  }

  function name(path: string, target: Entry | undefined): void {
    directory(dirname(path)).change([[basename(path), target]]);
  }

  function fileOrNew(path: string): SimulatedFile {
    if (entry(path) === undefined) name(path, new SimulatedFile());
    return file(path);
  }

  function newFile(path: string): SimulatedFile {
    if (entry(path) !== undefined) throw systemError('EEXIST', path);
    return fileOrNew(path);
  }

  function makeDirectory(path: string): void {
    if (path === '/') return;
    makeDirectory(dirname(path));
    if (entry(path) === undefined) name(path, new SimulatedDirectory());
  }

  function rename(from: string, to: string): void {
    const moved = file(from);
    room += entry(to) === undefined ? 0 : file(to).size;
    directory(dirname(to)).change([
      [basename(to), moved],
      [basename(from), undefined],
    ]);
  }

  function remove(path: string): void {
    room += file(path).size;
    name(path, undefined);
  }

  function append(to: SimulatedFile, bytes: Uint8Array): number {
    const given = random.chance(shortWrites) ? 1 + random.int(bytes.length) : bytes.length;
    const taken = Math.min(given, room);
    if (taken === 0) throw systemError('ENOSPC', 'write');
    to.append(bytes.subarray(0, taken));
    room -= taken;
    return taken;
  }

  function truncate(cut: SimulatedFile, size: number): void {
    room += Math.max(0, cut.size - size);
    cut.truncate(size);
  }

  function sync(of: SimulatedFile | SimulatedDirectory): void {
    if (!syncFails) {
      of.sync();
      return;
    }
    syncFails = false;
    of.syncInVain(random);
    throw systemError('EIO', 'sync');
  }

  function fileSystemOf(run: Operate, runNow: (whole: () => void) => void): FileSystem {
    const opened = (open: SimulatedFile): OpenFile => ({
      read: (buffer, position) => run(() => open.read(buffer, position)),
      append: (bytes) => {
        const part = bytes.subarray(0, random.int(bytes.length));
        return run(
          () => append(open, bytes),
          () => open.append(part),
        );
      },
      overwrite: (bytes) => runNow(() => open.overwrite(bytes)),
      dataSync: () => run(() => sync(open)),
      truncate: (size) => run(() => truncate(open, size)),
      size: () => run(() => open.size),
      close: () => run(() => undefined),
    });
    return {
      openAppend: (path) => run(() => opened(fileOrNew(path))),
      openOverwrite: (path) => run(() => opened(fileOrNew(path))),
      openRead: (path) => run(() => opened(file(path))),
      create: (path) => run(() => opened(newFile(path))),
      rename: (from, to) => run(() => rename(from, to)),
      remove: (path) => run(() => remove(path)),
      makeDirectory: (path) => run(() => makeDirectory(path)),
      list: (path) => run(() => directory(path).names),
      syncDirectory: (path) => run(() => sync(directory(path))),
    };
  }

  function put(path: string, bytes: Uint8Array | undefined): void {
    makeDirectory(dirname(path));
    const there = new SimulatedFile();
    if (bytes !== undefined) there.append(bytes);
    name(path, bytes === undefined ? undefined : there);
    top.syncAll();
  }

  for (const [path, bytes] of files) put(path, bytes);

  return {
    put,
    files: () => new Map(top.allFiles('')),
    get life() {
      return life;
    },
    get room() {
      return room;
    },
    set room(bytes) {
      room = bytes;
    },
    dieAt(operation) {
      life.diesAt = life.operations + operation;
    },
    failNextSync() {
      syncFails = true;
    },
    kill() {
      life.end();
      life = newLife();
      syncFails = false;
    },
    losePower() {
      this.kill();
      top.losePower(random);
    },
  };
}

type Operate = <T>(whole: () => T, part?: () => void) => Promise<T>;

function attempt<T>(effect: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: effect() };
  } catch (error) {
    return { error };
  }
}

function forever(): Promise<never> {
  return new Promise(() => undefined);
}

export function systemError(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: simulated, ${what}`), { code });
}
