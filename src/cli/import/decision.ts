import { InventoryProblem, NoAnswerError, UnexpectedAnswerError } from '../../client/errors.js';
import { ImportError } from './import-error.js';

/** A final refusal by the service. */
export interface Refusal {
  readonly kind: 'refused';
  readonly code: string;
  readonly detail: string;
}

export type Decision<T> = { readonly kind: 'ok'; readonly value: T } | Refusal;

/** Refusals that concern stock; any other refusal means that the import itself is wrong. */
const DECIDED = new Set([
  'stock-not-found',
  'reservation-not-found',
  'version-conflict',
  'precondition-failed',
  'reservation-not-active',
  'insufficient-stock',
  'below-reserved',
  'same-store',
  'reservation-exceeded',
  'quantity-overflow',
]);

/** The service's decision. Any other failure is rethrown, and ends in `asImportError`. */
export async function decisionOf<T>(asked: Promise<T>): Promise<Decision<T>> {
  try {
    return { kind: 'ok', value: await asked };
  } catch (error) {
    if (!(error instanceof InventoryProblem) || !DECIDED.has(error.code)) throw error;
    return refusalOf(error.problem);
  }
}

export function refusalOf({ code, detail }: Omit<Refusal, 'kind'>): Refusal {
  return { kind: 'refused', code, detail };
}

/** Converts failures of the client into messages for the user. */
export function asImportError(error: unknown): unknown {
  if (error instanceof NoAnswerError) {
    return new ImportError(`${error.message}; run the same command again to continue from here`);
  }
  if (error instanceof InventoryProblem) {
    return new ImportError(`the service answered ${error.message}`);
  }
  if (error instanceof UnexpectedAnswerError) return new ImportError(error.message);
  return error;
}
