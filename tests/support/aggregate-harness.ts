import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AggregateRepository } from '../../src/application/central-aggregate.js';
import { openFileAggregateRepository } from '../../src/storage/file/central/file-aggregate-repository.js';
import type { FileSystem } from '../../src/storage/file/disk/file-system.js';
import { createNodeFileSystem } from '../../src/storage/file/disk/node-file-system.js';
import type { AggregateHarness } from '../contracts/aggregate-repository-contract.js';
import { type FakeClock, createFakeClock } from './fake-clock.js';
import { type FaultyFileSystem, createFaultyFileSystem } from './faulty-file-system.js';
import type { Ending } from './file-harness.js';

export interface TestAggregate {
  readonly repository: AggregateRepository;
  readonly clock: FakeClock;
  readonly warnings: string[];
  readonly fatal: unknown[];
}

/** `journalBytesMin`: how soon it is merged. */
export async function openTestAggregate(
  root: string,
  fileSystem: FileSystem,
  journalBytesMin = 1e9,
): Promise<TestAggregate> {
  const clock = createFakeClock();
  const warnings: string[] = [];
  const fatal: unknown[] = [];
  const repository = await openFileAggregateRepository({
    root,
    fileSystem,
    journalBytesMin,
    clock,
    onWarning: (message) => void warnings.push(message),
    onFatal: (error) => void fatal.push(error),
  });
  return { repository, clock, warnings, fatal };
}

/** The file driver in a real directory, merging all the time. */
export async function openAggregateHarness(ending: Ending): Promise<AggregateHarness> {
  const root = await mkdtemp(join(tmpdir(), 'inventory-'));
  let running = await start();

  async function start(): Promise<TestAggregate & { readonly faulty: FaultyFileSystem }> {
    const faulty = createFaultyFileSystem(createNodeFileSystem());
    return { ...(await openTestAggregate(root, faulty.fileSystem, 200)), faulty };
  }

  return {
    repository: running.repository,
    async reopen() {
      if (ending === 'closed') await running.repository.close();
      else await running.faulty.abandon();
      running = await start();
      return running.repository;
    },
    async dispose() {
      const { repository, warnings, fatal, faulty } = running;
      await repository.close();
      await rm(root, { recursive: true });
      if (faulty.openFiles > 0) throw new Error(`${faulty.openFiles} files were left open`);
      if (warnings.length + fatal.length > 0) throw new Error(`it said ${warnings.join()}`);
    },
  };
}
