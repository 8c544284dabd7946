import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRecordClock } from '../../src/application/record-clock.js';
import { createCircuitBreaker } from '../../src/resilience/circuit-breaker.js';
import {
  type FileInventoryRepository,
  openFileInventoryRepository,
} from '../../src/storage/file/file-inventory-repository.js';
import { createNodeFileSystem } from '../../src/storage/file/disk/node-file-system.js';
import { createSystem } from '../../src/system.js';
import type { RepositoryHarness } from '../contracts/inventory-repository-contract.js';
import type { FakeClock } from './fake-clock.js';
import { type FaultyFileSystem, createFaultyFileSystem } from './faulty-file-system.js';
import { createInProcessSegmentChecker } from './in-process-segment-checker.js';

/** How a process ends before the next one opens its directory. */
export type Ending = 'closed' | 'killed';

/** The file driver under test, in a real directory, with rotations and snapshots all the time. */
export async function openFileHarness(
  clock: FakeClock,
  ending: Ending,
): Promise<RepositoryHarness> {
  const root = await mkdtemp(join(tmpdir(), 'inventory-'));
  let process = await start(root, clock);

  async function end(): Promise<void> {
    if (ending === 'closed') await process.repository.close();
    else await process.faulty.abandon();
  }

  return {
    repository: process.repository,
    async reopen() {
      await end();
      process = await start(root, clock);
      return process.repository;
    },
    async dispose() {
      await process.repository.close();
      const { openFiles } = process.faulty;
      await rm(root, { recursive: true });
      if (openFiles > 0) throw new Error(`${openFiles} files were left open`);
    },
  };
}

async function start(
  root: string,
  clock: FakeClock,
): Promise<{ repository: FileInventoryRepository; faulty: FaultyFileSystem }> {
  const faulty = createFaultyFileSystem(createNodeFileSystem());
  const { fileSystem } = faulty;
  const loud = (problem: unknown) => {
    throw new Error(`storage should have nothing to say: ${String(problem)}`);
  };
  const repository = await openFileInventoryRepository({
    root,
    fileSystem,
    system: { ...createSystem(), clock },
    recordClock: createRecordClock(clock, () => undefined),
    segmentChecker: createInProcessSegmentChecker(root, fileSystem),
    snapshotPolicy: { everyEvents: 10, logBytesMin: 4_096 },
    snapshotRetry: { baseMs: 1, times: 0 },
    breaker: createCircuitBreaker(
      { threshold: 0.5, cooldownMs: 1_000, window: 10, callsMin: 5 },
      clock,
    ),
    report: {
      warning: loud,
      writable: loud,
      fatal: loud,
      snapshot: () => undefined,
      committed: () => undefined,
    },
  });
  return { repository, faulty };
}
