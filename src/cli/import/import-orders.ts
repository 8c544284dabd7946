import { createHash } from 'node:crypto';
import type { InventoryClient } from '../../client/inventory-client.js';
import { establishBaseline, readBalances } from './baseline.js';
import { asImportError } from './decision.js';
import { createInDoubt } from './in-doubt.js';
import { type Difference, balances, differences } from './ledger.js';
import { parseOrderRows } from './order-rows.js';
import { type Plan, planImport } from './plan.js';
import { type Progress, createProgress } from './progress.js';
import type { ProgressFile } from './progress-file.js';
import { createOpeningRunner } from './run-opening.js';
import { createStepRunner } from './run-step.js';
import { runInFileOrder } from './schedule.js';
import { isSettled } from './step-state.js';

/** Openings per request. */
const OPENINGS_PER_BATCH = 100;

interface ImportDeps {
  readonly client: InventoryClient;
  readonly openProgress: () => ProgressFile;
  readonly concurrency: number;
  /** Called once it is known how far an earlier import came. */
  readonly onStart?: (progress: Progress, stepCount: number) => void;
}

export interface ImportResult {
  readonly plan: Plan;
  readonly progress: Progress;
  readonly recordCount: number;
  /** Between the import's own ledger and the service's records. */
  readonly differences: readonly Difference[];
}

/** Completes the import of a file, from wherever an earlier import of it stopped. */
export async function importOrders(csv: Uint8Array, deps: ImportDeps): Promise<ImportResult> {
  const { client, concurrency } = deps;
  const fileHash = createHash('sha256').update(csv).digest('hex');
  const plan = planImport(parseOrderRows(csv));
  const steps = [...plan.opening, ...plan.steps];
  const file = deps.openProgress();
  try {
    const progress = createProgress(file.found.states, (entries) => file.append(entries));
    const { lastSequence } = progress;
    const baseline = await establishBaseline({ file, fileHash, client, steps, lastSequence });
    deps.onStart?.(progress, steps.length);

    const runner = { client, inDoubt: createInDoubt(client), progress, fileHash };
    const runOpening = createOpeningRunner(runner);
    for (let next = 0; next < plan.opening.length; next += OPENINGS_PER_BATCH) {
      await runOpening(plan.opening.slice(next, next + OPENINGS_PER_BATCH));
    }
    const left = plan.steps.filter(({ id }) => !isSettled(progress.of(id)));
    await runInFileOrder({ steps: left, concurrency, run: createStepRunner(runner) });

    const ledger = balances(baseline, steps, progress.of);
    const differing = differences(ledger, await readBalances(client, steps));
    return { plan, progress, recordCount: ledger.size, differences: differing };
  } catch (error) {
    throw asImportError(error);
  } finally {
    await file.close();
  }
}
