import type { BatchOperation, Problem } from './wire-types.js';

/** The service refused the request: nothing has happened. Switch on `problem.code`. */
export class InventoryProblem extends Error {
  override readonly name = 'InventoryProblem';
  readonly code: string;
  readonly status: number;

  constructor(readonly problem: Problem) {
    super(`${problem.status} ${problem.code} ${problem.detail}`.trim());
    this.code = problem.code;
    this.status = problem.status;
  }
}

/**
 * There was no answer in time: whether the request was executed is unknown, unless `outcome` says
 * that it was not. Sent again with the same `idempotencyKey`, or the same `operations`, it is still
 * executed at most once.
 */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';

  constructor(
    message: string,
    readonly outcome: 'unknown' | 'not-executed',
    readonly idempotencyKey?: string,
    /** Of `batchEach`: the operations with their keys. */
    readonly operations?: readonly BatchOperation[],
  ) {
    super(message);
  }
}

/**
 * Awaits a step of a request that may have been executed already: if the step has no answer, or one
 * that another server must have given, the whole is unknown, and goes on under its own key.
 */
export async function unknownUnder<T>(
  idempotencyKey: string | undefined,
  step: T | PromiseLike<T>,
): Promise<T> {
  try {
    return await step;
  } catch (error) {
    if (!(error instanceof NoAnswerError || error instanceof UnexpectedAnswerError)) throw error;
    throw new NoAnswerError(error.message, 'unknown', idempotencyKey);
  }
}

/** The URL leads to other data than before: everything known about the old data is void. */
export class NodeChangedError extends Error {
  override readonly name = 'NodeChangedError';

  constructor(
    readonly expected: string,
    readonly found: string,
  ) {
    super(`the data is that of node ${found}, and no longer that of ${expected}`);
  }
}

/** An answer that no version of the service gives: the URL may lead to something else. */
export class UnexpectedAnswerError extends Error {
  override readonly name = 'UnexpectedAnswerError';
}
