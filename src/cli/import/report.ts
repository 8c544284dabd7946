import type { Difference } from './ledger.js';
import type { ImportResult } from './import-orders.js';
import type { AdjustPurpose, Step } from './step.js';
import type { StepState } from './step-state.js';

/** How many rows that cannot be expressed are listed one by one. */
const ROWS_LISTED_MAX = 20;

interface Tally {
  done: number;
  units: number;
  readonly refusals: Map<string, number>;
}

/** What the import did, for people; the last line says whether the ledger matches. */
export function reportOf(result: ImportResult): string {
  const { plan, progress, recordCount, differences } = result;
  const tally = tallyOf([...plan.opening, ...plan.steps], progress.of);
  const rows = plan.inexpressible;
  return [
    `orders      ${summary(tally('order'), 'accepted', 'sold')}`,
    `opening     ${summary(tally('opening'), 'records', 'counted in')}`,
    `restocks    ${summary(tally('restock'), 'lines', 'came back')}`,
    `write-offs  ${summary(tally('write-off'), 'lines', 'written off')}`,
    `rows        ${rows.length} could not be expressed`,
    ...rows.slice(0, ROWS_LISTED_MAX).map(({ rowNumber, why }) => `  row ${rowNumber}: ${why}`),
    ...(rows.length > ROWS_LISTED_MAX ? [`  and ${rows.length - ROWS_LISTED_MAX} more`] : []),
    ...differences.map(differenceLine),
    differences.length === 0
      ? `ledger matches: ${recordCount} records`
      : `ledger differs in ${differences.length} of ${recordCount} records`,
  ].join('\n');
}

function tallyOf(steps: readonly Step[], stateOf: (stepId: string) => StepState) {
  const tallies = new Map<'order' | AdjustPurpose, Tally>();
  const tally = (kind: 'order' | AdjustPurpose): Tally => {
    const known = tallies.get(kind) ?? { done: 0, units: 0, refusals: new Map<string, number>() };
    tallies.set(kind, known);
    return known;
  };
  for (const step of steps) {
    const its = tally(step.kind === 'order' ? 'order' : step.purpose);
    const state = stateOf(step.id);
    if (state.at === 'done') {
      its.done += 1;
      its.units += unitsOf(step);
    } else if (state.at === 'refused') {
      its.refusals.set(state.code, (its.refusals.get(state.code) ?? 0) + 1);
    }
  }
  return tally;
}

function unitsOf(step: Step): number {
  if (step.kind === 'adjust') return Math.abs(step.delta);
  return step.lines.reduce((sum, { qty }) => sum + qty, 0);
}

function summary({ done, units, refusals }: Tally, what: string, moved: string): string {
  const reasons = [...refusals].map(([code, count]) => `${count} ${code}`);
  const refused = [...refusals.values()].reduce((sum, count) => sum + count, 0);
  const why = refused > 0 ? ` (${reasons.join(', ')})` : '';
  return `${done} ${what}, ${refused} refused${why}; ${units} units ${moved}`;
}

function differenceLine({ storeId, sku, ledger, service }: Difference): string {
  const have = ({ onHand, reserved }: Difference['ledger']) =>
    `${onHand} on hand, ${reserved} reserved`;
  return `  ${storeId}/${sku}: ledger ${have(ledger)}; service ${have(service)}`;
}
