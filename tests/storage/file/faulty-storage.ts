import { setImmediate as nextTurn } from 'node:timers/promises';
import { type FaultyFileSystem, createFaultyFileSystem } from '../../support/faulty-file-system.js';
import { createSeededRandom } from '../../support/seeded-random.js';
import { type SimulatedDisk, createSimulatedDisk } from '../../support/simulated-disk.js';
import {
  type TestStorage,
  type TestStorageOptions,
  openTestStorage,
} from '../../support/test-storage.js';

export const ROOT = '/data/inventory';
export const EVENTS = `${ROOT}/events`;
export const SEGMENT = `${EVENTS}/000000000001.jsonl`;
export const MANIFEST = `${ROOT}/MANIFEST.json`;
/** Rotations and snapshots after few events. */
export const BUSY_POLICY = { everyEvents: 5, logBytesMin: 1_024 };

type OpenOptions = Omit<TestStorageOptions, 'root' | 'fileSystem'>;

/** One process on a simulated disk, with faults on order. */
export interface FaultyStorage {
  readonly disk: SimulatedDisk;
  readonly faulty: FaultyFileSystem;
  open(options?: OpenOptions): Promise<TestStorage>;
}

export function faultyStorage(disk = emptyDisk()): FaultyStorage {
  const faulty = createFaultyFileSystem(disk.life.fileSystem);
  const { fileSystem } = faulty;
  return {
    disk,
    faulty,
    open: (options) => openTestStorage({ root: ROOT, fileSystem, ...options }),
  };
}

/** The next process on the same disk, after the one before was killed. */
export function restarted({ disk }: FaultyStorage): FaultyStorage {
  disk.kill();
  return faultyStorage(disk);
}

/** A disk without chance: everything happens at once and in order, until it loses power. */
export function emptyDisk(files?: ReadonlyMap<string, Uint8Array>, seed = 1): SimulatedDisk {
  return createSimulatedDisk(createSeededRandom(seed), { turnsMax: 0, ...(files && { files }) });
}

/** Long enough for all that can go on to have gone on. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) await nextTurn();
}

/** Whether a promise has settled by now, and how. */
export interface Watched {
  state: 'open' | 'fulfilled' | 'rejected';
  error?: unknown;
}

export function watch(task: Promise<unknown>): Watched {
  const watched: Watched = { state: 'open' };
  task.then(
    () => (watched.state = 'fulfilled'),
    (error: unknown) => {
      watched.state = 'rejected';
      watched.error = error;
    },
  );
  return watched;
}

/** The bytes of a file as processes see them. */
export function bytesOf(disk: SimulatedDisk, path: string): Buffer {
  const bytes = disk.files().get(path);
  if (bytes === undefined) throw new Error(`${path} is not there`);
  return bytes;
}

/** The lines of a segment, parsed. */
export function linesOf(disk: SimulatedDisk, path = SEGMENT): Record<string, unknown>[] {
  const text = bytesOf(disk, path).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
