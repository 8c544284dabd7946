import type { Problem } from './wire-types.js';

/** The service's answer was no. `problem.code` is what to switch on; nothing has happened. */
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
 * There was no answer in time: whether it has happened is unknown, unless `outcome` says that it
 * has not. Outcome again with the same `idempotencyKey`, the service still does it once at the most.
 */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';

  constructor(
    message: string,
    readonly outcome: 'unknown' | 'not-executed',
    readonly idempotencyKey?: string,
  ) {
    super(message);
  }
}

/** Behind the URL is other data than before: what was known of it is worth nothing now. */
export class NodeChangedError extends Error {
  override readonly name = 'NodeChangedError';

  constructor(
    readonly expected: string,
    readonly found: string,
  ) {
    super(`the data is that of node ${found}, and no longer that of ${expected}`);
  }
}

/** An answer that no version of the service gives: the URL may be that of something else. */
export class UnexpectedAnswerError extends Error {
  override readonly name = 'UnexpectedAnswerError';
}
