import { describeInventoryRaces } from '../../../contracts/inventory-races.js';
import { describeInventoryRepositoryContract } from '../../../contracts/inventory-repository-contract.js';
import { proofScale } from '../../../support/seeded-random.js';
import { openSharedHarness, openSharingHarness } from '../../../support/shared-harness.js';

describeInventoryRepositoryContract({
  name: 'files that are shared, with nobody at the moment',
  reopens: true,
  open: openSharedHarness,
});

describeInventoryRepositoryContract({
  name: 'files that three share',
  reopens: true,
  open: openSharingHarness,
});

describeInventoryRaces({
  name: 'files that three share',
  rounds: Math.max(20, Math.round(50 * proofScale())),
  open: openSharingHarness,
  hesitation: 60,
});
