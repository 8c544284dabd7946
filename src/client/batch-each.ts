import { InventoryProblem, NoAnswerError, UnexpectedAnswerError } from './errors.js';
import { bodyOf } from './inventory-reads.js';
import type { Outcome, Retrier } from './retrier.js';
import type {
  BatchOperation,
  BatchResults,
  OperationDone,
  OperationRefused,
} from './wire-types.js';

type Result = OperationDone | OperationRefused;

/**
 * Each operation on its own, under its own key. Operations that were not executed (503) are sent
 * again within `retryForMs`; after that, their problems are in the results. Throws NoAnswerError
 * with the `operations`, to be sent again, if it is unknown what was executed, or nothing was.
 */
export async function batchEach(
  retrier: Retrier,
  operations: readonly BatchOperation[],
  signal?: AbortSignal,
): Promise<BatchResults> {
  const results: Result[] = [];
  const waiting = retrier.startWaiting({ signal });
  let left = operations.map((operation, index) => ({ operation, index }));
  for (;;) {
    const body = { atomic: false, operations: left.map(({ operation }) => operation) };
    const request = { method: 'POST', path: '/api/inventory/batch', body, signal } as const;
    let answer: BatchResults;
    try {
      answer = resultsOf(await retrier.ask(request), left.length);
    } catch (error) {
      if (error instanceof NoAnswerError) {
        const { message, outcome } = error;
        // What earlier rounds have done must not be lost.
        if (outcome === 'not-executed' && results.length > 0) return summed(results);
        throw new NoAnswerError(message, outcome, undefined, operations);
      }
      if (results.length === 0 || !isAnswer(error)) throw error;
      throw new NoAnswerError(error.message, 'unknown', undefined, operations);
    }
    for (const [place, { index }] of left.entries()) {
      const result = answer.results[place];
      if (result !== undefined) results[index] = result;
    }
    left = left.filter(({ index }) => results[index]?.status === 503);
    if (left.length === 0) return summed(results);
    const why = `503 of ${left.length} operations`;
    const goesOn = await patient(waiting.pause({ kind: 'not-executed', why, retryAfterMs: 0 }));
    if (!goesOn) return summed(results);
  }
}

function resultsOf(answer: Outcome<never>, count: number): BatchResults {
  const body = bodyOf(answer) as Partial<BatchResults>;
  if (body.results?.length === count) return body as BatchResults;
  throw new NoAnswerError('the answer has not a result for each operation', 'unknown');
}

function isAnswer(error: unknown): error is Error {
  return error instanceof InventoryProblem || error instanceof UnexpectedAnswerError;
}

async function patient(pause: Promise<void>): Promise<boolean> {
  try {
    await pause;
    return true;
  } catch (error) {
    if (error instanceof NoAnswerError) return false;
    throw error;
  }
}

function summed(results: readonly Result[]): BatchResults {
  const done = results.filter((result): result is OperationDone => 'sequence' in result);
  if (done.length === 0) return { results };
  return { results, sequence: Math.max(...done.map(({ sequence }) => sequence)) };
}
