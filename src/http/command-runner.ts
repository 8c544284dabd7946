import type { Request, Response } from 'express';
import type { InventoryService, KeyedRequest, Outcome } from '../application/inventory-service.js';
import type { Command } from '../domain/commands.js';
import type { InventoryEvent } from '../domain/events.js';
import type { RecordTime } from '../domain/stock.js';
import type { Answer, SendAnswer } from './answer.js';
import { fingerprintOf, keyDigest, parseIdempotencyKey } from './idempotency-key.js';
import { type ProblemSource, problemAnswer } from './problem.js';
import { refusalProblem } from './refusal-problem.js';

export interface Order {
  readonly command: Command;
  /** The parsed parts of the request, for its fingerprint: equal in a retry of the same request. */
  readonly asked: readonly unknown[];
  readonly render: (event: InventoryEvent) => Answer;
}

/** Executes a command, under the request's key if it has one, and answers with the outcome. */
export type RunCommand = (request: Request, response: Response, order: Order) => Promise<void>;

export function createCommandRunner(deps: {
  readonly service: InventoryService;
  readonly now: () => RecordTime;
  readonly send: SendAnswer;
  readonly refuseLate: () => void;
}): RunCommand {
  const { service, now, send, refuseLate } = deps;

  function answerOf(outcome: Outcome, request: Request, order: Order): Answer {
    if (outcome.kind === 'refusal') {
      return problemAnswer(refusalProblem(outcome.refusal, now()), sourceOf(request));
    }
    const { event, replayed } = outcome;
    const { refusal } = event;
    const answer =
      refusal === undefined
        ? order.render(event)
        : problemAnswer(refusalProblem(refusal, now()), recordedSource(event));
    return replayed ? asReplayed(answer) : answer;
  }

  return async (request, response, order) => {
    refuseLate();
    const key = parseIdempotencyKey(request);
    const keyed = key === undefined ? undefined : keyedRequest(request, key, order.asked);
    const outcome = await service.execute(order.command, keyed);
    send(request, response, answerOf(outcome, request, order));
  };
}

export function keyedRequest(
  request: Request,
  key: string,
  asked: readonly unknown[],
): KeyedRequest {
  const { method, path, requestId } = request;
  // A proxy may percent-encode the path of a retry differently.
  const decodedPath = path.includes('%') ? decodeURIComponent(path) : path;
  return {
    key: keyDigest({ caller: '', method, path: decodedPath }, key),
    fingerprint: fingerprintOf(asked),
    requestId,
    instance: path,
  };
}

export function sourceOf({ requestId, path }: Request): ProblemSource {
  return { requestId, instance: path };
}

/** The request whose refusal the event records: in a replay, the first request. */
export function recordedSource({ request }: InventoryEvent): ProblemSource {
  return { requestId: request?.requestId ?? '', instance: request?.instance ?? '' };
}

function asReplayed(answer: Answer): Answer {
  const headers = [...answer.headers, 'Idempotent-Replayed', 'true'];
  return { ...answer, headers, replayed: true };
}
