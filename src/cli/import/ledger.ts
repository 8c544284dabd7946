import { type StockName, stockKey } from '../../domain/keys.js';
import { type Step, recordsOf } from './step.js';
import type { StepState } from './step-state.js';

export interface Balance extends StockName {
  readonly onHand: number;
  readonly reserved: number;
}

export interface Difference extends StockName {
  readonly ledger: { readonly onHand: number; readonly reserved: number };
  readonly service: { readonly onHand: number; readonly reserved: number };
}

/** The expected balances: those before the import, plus the effects of its steps. */
export function balances(
  baseline: readonly Balance[],
  steps: readonly Step[],
  stateOf: (stepId: string) => StepState,
): ReadonlyMap<string, Balance> {
  const ledger = new Map<string, Balance>();
  for (const balance of baseline) ledger.set(stockKey(balance), balance);
  const move = ({ storeId, sku }: StockName, onHandDelta: number, reservedDelta: number) => {
    const key = stockKey({ storeId, sku });
    const { onHand, reserved } = ledger.get(key) ?? { onHand: 0, reserved: 0 };
    const after = { onHand: onHand + onHandDelta, reserved: reserved + reservedDelta };
    ledger.set(key, { storeId, sku, ...after });
  };
  for (const step of steps) {
    const { at } = stateOf(step.id);
    for (const record of recordsOf(step)) move(record, 0, 0);
    if (step.kind === 'adjust') {
      if (at === 'done') move(step, step.delta, 0);
    } else {
      for (const line of step.lines) {
        if (at === 'done') move(line, -line.qty, 0);
        if (at === 'reserved') move(line, 0, line.qty);
      }
    }
  }
  return ledger;
}

/** A record that the service does not have counts as one without units. */
export function differences(
  ledger: ReadonlyMap<string, Balance>,
  records: readonly Balance[],
): readonly Difference[] {
  const service = new Map(records.map((record) => [stockKey(record) as string, record]));
  const found: Difference[] = [];
  for (const [key, { storeId, sku, onHand, reserved }] of ledger) {
    const its = service.get(key) ?? { onHand: 0, reserved: 0 };
    if (its.onHand === onHand && its.reserved === reserved) continue;
    found.push({
      storeId,
      sku,
      ledger: { onHand, reserved },
      service: { onHand: its.onHand, reserved: its.reserved },
    });
  }
  return found;
}
