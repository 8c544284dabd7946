import type { StockName } from '../../domain/keys.js';

export interface OrderLine extends StockName {
  readonly qty: number;
}

/** An invoice's positive lines: reserved as a whole, then committed. */
export interface OrderStep {
  readonly kind: 'order';
  readonly id: string;
  readonly lines: readonly OrderLine[];
}

export type AdjustPurpose = 'opening' | 'restock' | 'write-off';

export interface AdjustStep extends StockName {
  readonly kind: 'adjust';
  readonly id: string;
  readonly purpose: AdjustPurpose;
  readonly delta: number;
}

/**
 * The unit of progress. Its id is unique in the file and derived from the file's content alone, so
 * that a restart derives it again.
 */
export type Step = OrderStep | AdjustStep;

/** The reference of a step: unique over all files, and kept with the step's events. */
export function referenceOf(fileHash: string, step: Step): string {
  return `${prefixOf(fileHash)}${step.id}`;
}

/** Whether a reference is that of a step of the file. */
export function isOf(fileHash: string, reference: string | undefined): boolean {
  return reference?.startsWith(prefixOf(fileHash)) ?? false;
}

function prefixOf(fileHash: string): string {
  return `import:${fileHash.slice(0, 16)}:`;
}

export function recordsOf(step: Step): readonly StockName[] {
  return step.kind === 'order' ? step.lines : [step];
}
