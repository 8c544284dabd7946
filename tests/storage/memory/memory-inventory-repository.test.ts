import { describeInventoryRepositoryContract } from '../../contracts/inventory-repository-contract.js';
import { openMemoryHarness } from '../../support/memory-harness.js';

describeInventoryRepositoryContract({ name: 'memory', reopens: false, open: openMemoryHarness });
