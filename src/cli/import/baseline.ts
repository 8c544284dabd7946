import type { InventoryClient } from '../../client/inventory-client.js';
import { type StockKey, type StockName, stockKey } from '../../domain/keys.js';
import { ImportError } from './import-error.js';
import type { Balance } from './ledger.js';
import type { ProgressFile } from './progress-file.js';
import { type Step, isOf, recordsOf } from './step.js';

/** An import that did anything has changed one of the first records, unless all those were refused. */
const RECORDS_LOOKED_AT = 100;

type Reads = Pick<InventoryClient, 'records' | 'history' | 'position'>;

interface BaselineDeps {
  readonly file: ProgressFile;
  readonly fileHash: string;
  readonly client: Reads;
  readonly steps: readonly Step[];
  /** The highest sequence that the progress file knows of. */
  readonly lastSequence: number;
}

/**
 * The balances of the import's records in the service before the first step: from the progress
 * file or, if nothing was done yet, as they are now; then they are written to that file.
 */
export async function establishBaseline(deps: BaselineDeps): Promise<readonly Balance[]> {
  const { file, fileHash, client, steps, lastSequence } = deps;
  const { header } = file.found;
  if (header !== undefined) {
    if (header.file !== fileHash) {
      throw new ImportError('it has changed since the import that its progress file belongs to');
    }
    refuseOtherData(header.node, lastSequence, await client.position());
    return header.baseline.map(([storeId, sku, onHand, reserved]) => ({
      storeId,
      sku,
      onHand,
      reserved,
    }));
  }
  const records = await readBalances(client, steps);
  await refuseSecondImport(deps, new Set(records.map(stockKey)));
  const { node } = await client.position();
  const baseline = records.map(({ storeId, sku, onHand, reserved }) => {
    return [storeId, sku, onHand, reserved] as [string, string, number, number];
  });
  await file.append([{ format: 'order-import/1', file: fileHash, node, baseline }]);
  return records;
}

/** The progress is that of one service's data: of others it says nothing. */
function refuseOtherData(
  node: string | undefined,
  lastSequence: number,
  found: { readonly node: string; readonly sequence: number },
): void {
  if (node !== undefined && node !== found.node) {
    throw new ImportError(
      `its progress file is about node ${node}, and the service is ${found.node}: remove that ` +
        'file to import the orders into this one, too',
    );
  }
  if (lastSequence > found.sequence) {
    throw new ImportError(
      `its progress file knows of event ${lastSequence}, and the service has events up to ` +
        `${found.sequence} only: its data was set back`,
    );
  }
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
  const names = steps.flatMap(recordsOf).filter((name) => known.has(stockKey(name)));
  const distinct = new Map(names.map((name) => [stockKey(name), name]));
  for (const record of [...distinct.values()].slice(0, RECORDS_LOOKED_AT)) {
    for await (const event of client.history(record)) {
      if (!isOf(fileHash, event.reference)) continue;
      throw new ImportError(
        `this service has had it since event ${event.sequence}, but its progress file is gone: ` +
          'importing it again would count it twice',
      );
    }
  }
}
