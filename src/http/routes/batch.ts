import type { IRouter, Request, Response } from 'express';
import {
  type IndependentCommand,
  type IndependentOutcome,
  executeIndependently,
} from '../../application/independent-commands.js';
import type { BatchOperation } from '../../domain/commands.js';
import type { IdSource } from '../../system.js';
import { WRITTEN } from '../answer.js';
import { batchAnswer, singleResultJson } from '../write-answers.js';
import { keyedRequest, recordedSource, sourceOf } from '../command-runner.js';
import { BATCH_BODY_BYTES_MAX } from '../json/body-limits.js';
import { refuseConditions } from '../preconditions.js';
import { type Problem, type ProblemSource, problemJson, statusOf } from '../problem.js';
import { refusalProblem } from '../refusal-problem.js';
import { RequestError } from '../request-error.js';
import { parseBody, parseItems, refuseQuery } from '../request-input.js';
import {
  type BatchOperationBody,
  batchFrameSchema,
  batchOperationSchema,
} from '../schemas/request-schemas.js';
import { type RouteDeps, methodNotAllowed } from '../route-deps.js';
import { adjustCommand, reserveCommand } from '../stock-commands.js';

/** A batch with more operations yields to other requests before it is executed. */
const OPERATIONS_PER_TURN = 1_000;

/** Many operations in one request: all or none as one event, or each on its own. */
export function batchRoutes(router: IRouter, deps: RouteDeps): void {
  const { service, ids, now, send, outcomes, run, problemOf, yieldTurn, refuseLate, jsonBody } =
    deps;
  const body = jsonBody({ limitBytes: BATCH_BODY_BYTES_MAX });
  router.route('/api/inventory/batch').post(body, batch).all(methodNotAllowed('POST'));

  async function batch(request: Request, response: Response): Promise<void> {
    refuseQuery(request);
    const { atomic, operations: items } = parseBody(batchFrameSchema, request);
    refuseConditions(request.headers);
    const operations = await parseItems(
      batchOperationSchema,
      { name: 'operations', items },
      yieldTurn,
    );
    if (atomic) await together(request, response, operations);
    else await independently(request, response, operations);
  }

  async function together(
    request: Request,
    response: Response,
    asked: readonly BatchOperationBody[],
  ): Promise<void> {
    refuseOwnKeys(asked);
    const operations = asked.map((each) => operationOf(each, ids));
    if (operations.length > OPERATIONS_PER_TURN) await yieldTurn();
    await run(request, response, {
      command: { type: 'BatchStock', operations },
      asked,
      render: (event) => batchAnswer(event, operations),
    });
  }

  async function independently(
    request: Request,
    response: Response,
    asked: readonly BatchOperationBody[],
  ): Promise<void> {
    if (request.headers['idempotency-key'] !== undefined) {
      throw new RequestError(
        'validation-failed',
        'With atomic: false, send an idempotencyKey in each operation and no Idempotency-Key header.',
      );
    }
    const commands = asked.map((each): IndependentCommand => {
      const { idempotencyKey, ...operation } = each;
      const command = operationOf(each, ids);
      if (idempotencyKey === undefined) return { command };
      // 'each': an atomic batch of the same operation is another command, with another answer.
      return { command, request: keyedRequest(request, idempotencyKey, ['each', operation]) };
    });
    refuseLate();
    const outcomes = await executeIndependently(service, commands, yieldTurn);
    const sequence = highestSequence(outcomes);
    const results = outcomes.map((outcome) => resultOf(outcome, request)).join(',');
    const last = sequence === undefined ? '' : `,"sequence":${sequence}`;
    send(request, response, {
      status: 200,
      headers: WRITTEN,
      body: `{"results":[${results}]${last}}`,
      ...(sequence !== undefined && { sequence }),
    });
  }

  function resultOf(outcome: IndependentOutcome, request: Request): string {
    if (outcome.kind === 'failure') {
      return problemResult(problemOf(outcome.error, request), sourceOf(request));
    }
    if (outcome.kind === 'refusal') {
      return problemResult(refusalProblem(outcome.refusal, now()), sourceOf(request));
    }
    const { event, replayed } = outcome;
    if (replayed) outcomes.replayed();
    if (event.refusal === undefined) return singleResultJson(event);
    return problemResult(refusalProblem(event.refusal, now()), recordedSource(event));
  }

  function problemResult(problem: Problem, source: ProblemSource): string {
    outcomes.refused(problem.code);
    return `{"status":${statusOf(problem)},"problem":${problemJson(problem, source)}}`;
  }
}

function operationOf(asked: BatchOperationBody, ids: IdSource): BatchOperation {
  switch (asked.op) {
    case 'adjust':
      return adjustCommand(asked, asked, undefined);
    case 'count': {
      const { op: _op, idempotencyKey: _key, ...count } = asked;
      return { type: 'CountStock', ...count };
    }
    case 'reserve':
      return reserveCommand(asked, asked, undefined, ids.next());
  }
}

/** An atomic batch has one outcome, and hence one key: the request's. */
function refuseOwnKeys(operations: readonly BatchOperationBody[]): void {
  const index = operations.findIndex(({ idempotencyKey }) => idempotencyKey !== undefined);
  if (index === -1) return;
  const pointer = `/operations/${index}/idempotencyKey`;
  const detail = 'needs atomic: false; the key of an atomic batch is the Idempotency-Key header';
  throw new RequestError('validation-failed', 'The body is not acceptable.', {
    errors: [{ pointer, detail }],
  });
}

/** Undefined: no event was recorded. */
function highestSequence(outcomes: readonly IndependentOutcome[]): number | undefined {
  let highest: number | undefined;
  for (const outcome of outcomes) {
    if (outcome.kind !== 'event') continue;
    highest = Math.max(highest ?? 0, outcome.event.sequence);
  }
  return highest;
}
