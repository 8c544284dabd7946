import { createRecordClock } from '../../src/application/record-clock.js';
import { createMemoryInventoryRepository } from '../../src/storage/memory/memory-inventory-repository.js';
import type { RepositoryHarness } from '../contracts/repository-under-test.js';
import type { FakeClock } from './fake-clock.js';

/** The memory driver under test, in record time that follows `clock`. */
export function openMemoryHarness(clock: FakeClock): Promise<RepositoryHarness> {
  const repository = createMemoryInventoryRepository(createRecordClock(clock, () => undefined));
  return Promise.resolve({
    repository,
    reopen: () => Promise.reject(new Error('memory does not outlive its process')),
    dispose: () => repository.close(),
  });
}
