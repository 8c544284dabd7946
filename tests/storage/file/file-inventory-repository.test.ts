import { describeInventoryRaces } from '../../contracts/inventory-races.js';
import { describeInventoryRepositoryContract } from '../../contracts/inventory-repository-contract.js';
import { openFileHarness } from '../../support/file-harness.js';
import { proofScale } from '../../support/seeded-random.js';

describeInventoryRepositoryContract({
  name: 'files, closed before they are opened again',
  reopens: true,
  open: (clock) => openFileHarness(clock, 'closed'),
});

describeInventoryRepositoryContract({
  name: 'files, left behind by a process that was killed',
  reopens: true,
  open: (clock) => openFileHarness(clock, 'killed'),
});

describeInventoryRaces({
  name: 'files',
  rounds: Math.max(20, Math.round(50 * proofScale())),
  open: (clock) => openFileHarness(clock, 'closed'),
});
