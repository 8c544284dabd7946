import { describeAggregateRepository } from '../../../contracts/aggregate-repository-contract.js';
import { openAggregateHarness } from '../../../support/aggregate-harness.js';

describeAggregateRepository('file, closed', () => openAggregateHarness('closed'), {
  isDurable: true,
});
describeAggregateRepository('file, killed', () => openAggregateHarness('killed'), {
  isDurable: true,
});
