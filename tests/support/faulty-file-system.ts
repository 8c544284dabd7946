import type { FileSystem, OpenFile } from '../../src/storage/file/disk/file-system.js';
import { systemError } from './simulated-disk.js';

export type OperationName = keyof FileSystem | keyof OpenFile;

/** Which operations a fault is for; what is left out does not matter. */
export interface Target {
  readonly name?: OperationName;
  /** Of the path; of the new one for a rename. */
  readonly path?: RegExp;
}

export interface Operation {
  readonly name: OperationName;
  readonly path: string;
}

export interface FaultyFileSystem {
  readonly fileSystem: FileSystem;
  /** All that has begun, in order. */
  readonly operations: readonly Operation[];
  /** Files that are open now: a test that leaves some behind leaks them. */
  readonly openFiles: number;
  /** Bytes that may still be appended: the write that goes beyond is short, the next has no room. */
  room: number;
  /** The n-th of these operations from now fails with this code, and does nothing. */
  failNext(target: Target, code: string, nth?: number): void;
  /** All of these operations fail with this code, until `heal`. */
  failAll(target: Target, code: string): void;
  heal(): void;
  /** The next of these operations waits until it is released, before it does anything. */
  hold(target: Target): Held;
  /**
   * The process ends with its n-th operation from now (1: the next): an append has done half of
   * its work, any other none of it, and nothing settles from then on.
   */
  crashAt(nth: number): void;
  /** Resolves when it has. */
  readonly crashed: Promise<void>;
  /** Closes what a crashed process would leave to the kernel. */
  abandon(): Promise<void>;
}

export interface Held {
  /** Resolves when an operation is being held. */
  readonly reached: Promise<void>;
  release(): void;
}

interface Fault {
  readonly target: Target;
  /** How many more of its operations pass by first. */
  passes: number;
  readonly code: string;
  readonly forGood: boolean;
}

interface Hold {
  readonly target: Target;
  readonly onReached: () => void;
  readonly released: Promise<void>;
}

/** A file system that fails as it is told, on top of one that works. */
export function createFaultyFileSystem(inner: FileSystem): FaultyFileSystem {
  const operations: Operation[] = [];
  const open = new Set<OpenFile>();
  let faults: Fault[] = [];
  let holds: Hold[] = [];
  let crashAt = Infinity;
  let room = Infinity;
  let announceCrash!: () => void;
  const crashed = new Promise<void>((resolve) => {
    announceCrash = resolve;
  });

  async function operate<T>(
    operation: Operation,
    whole: () => Promise<T>,
    half?: () => Promise<unknown>,
  ): Promise<T> {
    operations.push(operation);
    if (operations.length >= crashAt) {
      if (operations.length === crashAt) await half?.();
      announceCrash();
      await forever();
    }
    const hold = holds.find(({ target }) => matches(target, operation));
    if (hold !== undefined) {
      holds = holds.filter((each) => each !== hold);
      hold.onReached();
      await hold.released;
    }
    failIfTold(operation);
    const result = await whole();
    if (operations.length >= crashAt) await forever();
    return result;
  }

  function failIfTold(operation: Operation): void {
    for (const fault of faults.filter(({ target }) => matches(target, operation))) {
      if (fault.passes > 0) {
        fault.passes -= 1;
        continue;
      }
      if (!fault.forGood) faults = faults.filter((each) => each !== fault);
      throw systemError(fault.code, `${operation.name} ${operation.path}`);
    }
  }

  async function appendWithin(file: OpenFile, bytes: Uint8Array): Promise<number> {
    if (room <= 0) throw systemError('ENOSPC', 'append');
    const taken = await file.append(bytes.subarray(0, room));
    room -= taken;
    return taken;
  }

  function faultyFile(file: OpenFile, path: string): OpenFile {
    const on = (name: OperationName): Operation => ({ name, path });
    open.add(file);
    return {
      read: (buffer, position) => operate(on('read'), () => file.read(buffer, position)),
      append: (bytes) =>
        operate(
          on('append'),
          () => appendWithin(file, bytes),
          () => file.append(bytes.subarray(0, bytes.length >> 1)),
        ),
      overwrite(bytes) {
        operations.push(on('overwrite'));
        failIfTold(on('overwrite'));
        if (operations.length < crashAt) file.overwrite(bytes);
        else announceCrash();
      },
      dataSync: () => operate(on('dataSync'), () => file.dataSync()),
      truncate: (size) => operate(on('truncate'), () => file.truncate(size)),
      size: () => operate(on('size'), () => file.size()),
      close: () =>
        operate(on('close'), () => {
          open.delete(file);
          return file.close();
        }),
    };
  }

  function opening(name: 'openAppend' | 'openOverwrite' | 'openRead' | 'create') {
    return (path: string): Promise<OpenFile> =>
      operate({ name, path }, async () => faultyFile(await inner[name](path), path));
  }

  function onPath<T>(name: 'remove' | 'makeDirectory' | 'list' | 'syncDirectory') {
    return (path: string): Promise<T> =>
      operate({ name, path }, () => inner[name](path) as Promise<T>);
  }

  return {
    operations,
    crashed,
    fileSystem: {
      openAppend: opening('openAppend'),
      openOverwrite: opening('openOverwrite'),
      openRead: opening('openRead'),
      create: opening('create'),
      rename: (from, to) => operate({ name: 'rename', path: to }, () => inner.rename(from, to)),
      remove: onPath('remove'),
      makeDirectory: onPath('makeDirectory'),
      list: onPath('list'),
      syncDirectory: onPath('syncDirectory'),
    },
    get openFiles() {
      return open.size;
    },
    get room() {
      return room;
    },
    set room(bytes) {
      room = bytes;
    },
    failNext(target, code, nth = 1) {
      faults.push({ target, code, passes: nth - 1, forGood: false });
    },
    failAll(target, code) {
      faults.push({ target, code, passes: 0, forGood: true });
    },
    heal() {
      faults = [];
    },
    hold(target) {
      let release!: () => void;
      let onReached!: () => void;
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const reached = new Promise<void>((resolve) => {
        onReached = resolve;
      });
      holds.push({ target, onReached, released });
      return { reached, release };
    },
    crashAt(nth) {
      crashAt = operations.length + nth;
    },
    async abandon() {
      crashAt = 0;
      announceCrash();
      for (const file of open) await file.close();
      open.clear();
    },
  };
}

function matches({ name, path }: Target, operation: Operation): boolean {
  return (name === undefined || name === operation.name) && (path?.test(operation.path) ?? true);
}

function forever(): Promise<never> {
  return new Promise(() => undefined);
}
