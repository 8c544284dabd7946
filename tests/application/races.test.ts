import { describeInventoryRaces } from '../contracts/inventory-races.js';
import { openMemoryHarness } from '../support/memory-harness.js';
import { proofScale } from '../support/seeded-random.js';

describeInventoryRaces({
  name: 'memory',
  rounds: Math.max(20, Math.round(1_000 * proofScale())),
  open: openMemoryHarness,
});
