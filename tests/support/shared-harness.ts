import type { CircuitBreaker } from '../../src/resilience/circuit-breaker.js';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRecordClock } from '../../src/application/record-clock.js';
import { type KernelLock, openKernelLock } from '../../src/storage/file/disk/kernel-lock.js';
import { createNodeFileSystem } from '../../src/storage/file/disk/node-file-system.js';
import { takeSharedPresence } from '../../src/storage/file/disk/presence-lock.js';
import {
  type SharedInventoryRepository,
  openSharedInventoryRepository,
} from '../../src/storage/file/shared/shared-inventory-repository.js';
import { type Timers, createSystem } from '../../src/system.js';
import type { RepositoryHarness } from '../contracts/inventory-repository-contract.js';
import { type FakeClock, createFakeClock } from './fake-clock.js';
import { type FaultyFileSystem, createFaultyFileSystem } from './faulty-file-system.js';
import { createInProcessSegmentChecker } from './in-process-segment-checker.js';

/** One "process" on a directory: its own descriptors, locks and memory; only the loop is shared. */
export interface SharingProcess {
  readonly repository: SharedInventoryRepository;
  readonly faulty: FaultyFileSystem;
  /** What storage had to say. */
  readonly said: readonly string[];
  /** Resolves with why, when it must end. */
  readonly fatal: Promise<unknown>;
  /** What the kernel does when it ends: its files are closed and its locks are free. */
  kill(): Promise<void>;
}

export interface SharingOptions {
  readonly clock?: FakeClock;
  readonly snapshotPolicy?: { readonly everyEvents: number; readonly logBytesMin: number };
  /** Bytes that may be appended from the start on. */
  readonly room?: number;
  /** How long a turn of its event loop takes, in ms. */
  readonly loopTurnMs?: number;
  /** Of the disk; by default there is none. */
  readonly breaker?: CircuitBreaker;
}

export async function startSharing(
  root: string,
  options: SharingOptions = {},
): Promise<SharingProcess> {
  const { clock = createFakeClock(), snapshotPolicy, loopTurnMs, room = Infinity } = options;
  const faulty = createFaultyFileSystem(createNodeFileSystem());
  const { fileSystem } = faulty;
  faulty.room = room;
  const real = createSystem();
  let isKilled = false;
  const unlessKilled = (task: () => void) => () => {
    if (!isKilled) task();
  };
  const timers: Timers = {
    immediate(task) {
      if (loopTurnMs === undefined) real.timers.immediate(unlessKilled(task));
      else real.timers.after(loopTurnMs, unlessKilled(task));
    },
    after: (delayMs, task) => real.timers.after(delayMs, unlessKilled(task)),
  };
  const system = { ...real, clock, timers };
  const said: string[] = [];
  const say = (what: unknown): void => void said.push(String(what));
  const sayWhereItFails = (task: () => void): void => {
    try {
      task();
    } catch (error) {
      say(error);
    }
  };
  let die!: (error: unknown) => void;
  const fatal = new Promise<unknown>((resolve) => (die = resolve));
  const presence = await takeSharedPresence(root, system.timers);
  const locks: KernelLock[] = [];
  const repository = await openSharedInventoryRepository({
    root,
    fileSystem,
    system,
    presence,
    recordClock: createRecordClock(clock, () => undefined),
    segmentChecker: createInProcessSegmentChecker(root, fileSystem),
    snapshotPolicy: snapshotPolicy ?? { everyEvents: 10, logBytesMin: 4_096 },
    snapshotRetry: { baseMs: 1, times: 0 },
    onSuperseded: () => undefined,
    ...(options.breaker !== undefined && { breaker: options.breaker }),
    openLock(path) {
      const lock = openKernelLock(path);
      locks.push(lock);
      return { ...lock, unlock: () => sayWhereItFails(() => lock.unlock()) };
    },
    report: {
      warning: say,
      writable: say,
      fatal: die,
      snapshot: () => undefined,
      committed: () => undefined,
    },
  });
  return {
    repository,
    faulty,
    said,
    fatal,
    async kill() {
      isKilled = true;
      await faulty.abandon();
      for (const lock of locks) lock.close();
      presence.release();
    },
  };
}

/** The file driver that shares its directory, alone on it. */
export async function openSharedHarness(clock: FakeClock): Promise<RepositoryHarness> {
  const root = await mkdtemp(join(tmpdir(), 'inventory-'));
  let process = await startSharing(root, { clock });
  return {
    repository: process.repository,
    async reopen() {
      await process.repository.close();
      process = await startSharing(root, { clock });
      return process.repository;
    },
    async dispose() {
      await endAll(root, [process]);
    },
  };
}

/** Three of them, asked in turns: whatever one was told, the next one must know. */
export async function openSharingHarness(clock: FakeClock): Promise<RepositoryHarness> {
  const root = await mkdtemp(join(tmpdir(), 'inventory-'));
  const start = async () => {
    const first = await startSharing(root, { clock });
    return [first, await startSharing(root, { clock }), await startSharing(root, { clock })];
  };
  let processes = await start();
  return {
    repository: inTurns(() => processes.map(({ repository }) => repository)),
    async reopen() {
      for (const { repository } of processes) await repository.close();
      processes = await start();
      return inTurns(() => processes.map(({ repository }) => repository));
    },
    async dispose() {
      await endAll(root, processes);
    },
  };
}

async function endAll(root: string, processes: readonly SharingProcess[]): Promise<void> {
  await Promise.all(processes.map(({ repository }) => repository.close()));
  await rm(root, { recursive: true });
  for (const { faulty, said } of processes) {
    if (faulty.openFiles > 0) throw new Error(`${faulty.openFiles} files were left open`);
    if (said.length > 0) throw new Error(`it said: ${said.join()}`);
  }
}

/** Each call goes to the next of them; closing closes all. */
function inTurns(all: () => readonly SharedInventoryRepository[]): SharedInventoryRepository {
  let calls = 0;
  const close = () => Promise.all(all().map((each) => each.close())).then(() => undefined);
  return new Proxy(all()[0]!, {
    get(_first, name) {
      if (name === 'close') return close;
      const repositories = all();
      if (name === 'durableSequence') {
        return () => Math.max(...repositories.map((each) => each.durableSequence()));
      }
      calls += 1;
      return Reflect.get(repositories[calls % repositories.length]!, name) as unknown;
    },
  });
}
