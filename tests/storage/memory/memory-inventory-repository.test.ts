import { createRecordClock } from '../../../src/application/record-clock.js';
import { createMemoryInventoryRepository } from '../../../src/storage/memory/memory-inventory-repository.js';
import { describeInventoryRepositoryContract } from '../../contracts/inventory-repository-contract.js';

describeInventoryRepositoryContract({
  name: 'memory',
  reopens: false,
  async open(clock) {
    const repository = createMemoryInventoryRepository(createRecordClock(clock, () => undefined));
    return {
      repository,
      reopen: () => Promise.reject(new Error('memory does not outlive its process')),
      dispose: () => repository.close(),
    };
  },
});
