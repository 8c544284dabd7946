import { afterEach, beforeEach, describe } from 'vitest';
import { describeLog } from './repository-log.js';
import { describeReads } from './repository-reads.js';
import { describeReopening } from './repository-reopening.js';
import { describeTransactions } from './repository-transactions.js';
import { type OpenHarness, RepositoryUnderTest } from './repository-under-test.js';

export type { RepositoryHarness } from './repository-under-test.js';

export interface ContractOptions {
  readonly name: string;
  /** Whether the data outlives the repository. */
  readonly reopens: boolean;
  readonly open: OpenHarness;
}

/** What every driver of InventoryRepository promises; see application/ports.ts. */
export function describeInventoryRepositoryContract(options: ContractOptions): void {
  describe(`the inventory repository contract, kept by ${options.name}`, () => {
    const driver = new RepositoryUnderTest();
    beforeEach(() => driver.open(options.open));
    afterEach(() => driver.dispose());

    describeTransactions(driver);
    describeReads(driver);
    describeLog(driver);
    if (options.reopens) describeReopening(driver);
  });
}
