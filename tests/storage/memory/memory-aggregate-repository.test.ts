import { createMemoryAggregateRepository } from '../../../src/storage/memory/memory-aggregate-repository.js';
import { describeAggregateRepository } from '../../contracts/aggregate-repository-contract.js';

describeAggregateRepository(
  'memory',
  async () => {
    const repository = createMemoryAggregateRepository();
    return {
      repository,
      reopen: () => Promise.reject(new Error('memory does not outlive its process')),
      dispose: () => repository.close(),
    };
  },
  { isDurable: false },
);
