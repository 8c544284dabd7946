import type { InventoryClient } from '../../client/inventory-client.js';
import { type StockKey, type StockName, stockKey } from '../../domain/keys.js';
import { ImportError } from './import-error.js';
import type { Balance } from './ledger.js';
import type { ProgressFile } from './progress-file.js';
import { type Step, recordsOf, referenceOf } from './step.js';

/** If none of these first steps was executed, no later one was. */
const STEPS_LOOKED_AT = 100;

type Reads = Pick<InventoryClient, 'records' | 'history'>;

interface BaselineDeps {
  readonly file: ProgressFile;
  readonly fileHash: string;
  readonly client: Reads;
  readonly steps: readonly Step[];
}

/**
 * The balances of the import's records in the service before the first step: from the progress
 * file or, if nothing was done yet, as they are now; then they are written to that file.
 */
export async function establishBaseline(deps: BaselineDeps): Promise<readonly Balance[]> {
  const { file, fileHash, client, steps } = deps;
  const { header } = file.found;
  if (header !== undefined) {
    if (header.file === fileHash) {
      return header.baseline.map(([storeId, sku, onHand, reserved]) => ({
        storeId,
        sku,
        onHand,
        reserved,
      }));
    }
    throw new ImportError('it has changed since the import that its progress file belongs to');
  }
  const records = await readBalances(client, steps);
  await refuseSecondImport(deps, new Set(records.map(stockKey)));
  const baseline = records.map(({ storeId, sku, onHand, reserved }) => {
    return [storeId, sku, onHand, reserved] as [string, string, number, number];
  });
  await file.append([{ format: 'order-import/1', file: fileHash, baseline }]);
  return records;
}

/** The service's balances of all records that the steps touch. */
export async function readBalances(
  client: Reads,
  steps: readonly Step[],
): Promise<readonly Balance[]> {
  const names = new Map<StockKey, StockName>();
  for (const step of steps) for (const name of recordsOf(step)) names.set(stockKey(name), name);
  const balances: Balance[] = [];
  for (const storeId of new Set([...names.values()].map((name) => name.storeId))) {
    for await (const record of client.records(storeId)) {
      if (names.has(stockKey(record))) balances.push(record);
    }
  }
  return balances;
}

/** Without its progress file, an earlier import of the file would be counted a second time. */
async function refuseSecondImport(
  { fileHash, client, steps }: BaselineDeps,
  known: ReadonlySet<StockKey>,
): Promise<void> {
  for (const step of steps.slice(0, STEPS_LOOKED_AT)) {
    const record = recordsOf(step).find((name) => known.has(stockKey(name)));
    if (record === undefined) continue;
    const reference = referenceOf(fileHash, step);
    for await (const event of client.history(record)) {
      if (event.reference !== reference) continue;
      throw new ImportError(
        `this service has had it since event ${event.sequence}, but its progress file is gone: ` +
          'importing it again would count it twice',
      );
    }
  }
}
