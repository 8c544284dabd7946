import type { Request, RequestHandler, Response } from 'express';
import type { InventoryQueries } from '../application/inventory-queries.js';
import type { InventoryService } from '../application/inventory-service.js';
import type { DurableLog } from '../application/ports.js';
import type { CentralView } from '../application/sync-control.js';
import type { Refusal } from '../domain/errors.js';
import type { RecordTime } from '../domain/stock.js';
import type { IdSource } from '../system.js';
import type { OutcomeCounter, SendAnswer } from './answer.js';
import type { RunCommand } from './command-runner.js';
import type { Problem } from './problem.js';
import { RequestError } from './request-error.js';

/** What the routes are made of. */
export interface RouteDeps {
  readonly service: InventoryService;
  readonly queries: InventoryQueries;
  readonly feed: DurableLog;
  readonly central: CentralView;
  readonly ids: IdSource;
  /** The present record time. */
  readonly now: () => RecordTime;
  readonly send: SendAnswer;
  readonly outcomes: OutcomeCounter;
  readonly run: RunCommand;
  /** Answers a read with the refusal that a write would get. */
  readonly refuse: (request: Request, response: Response, refusal: Refusal) => void;
  /** The problem that an error is answered with; one that is ours is reported, too. */
  readonly problemOf: (error: unknown, request: Request) => Problem;
  /** Resolves once what has already arrived was served. */
  readonly yieldTurn: () => Promise<void>;
  /** Throws UnavailableError where what is to be done has waited too long by now. */
  readonly refuseLate: () => void;
  /** An answer without an end does not count as a request that waits for one. */
  readonly release: (response: Response) => void;
}

/** Ends a route: what it does not answer by now is a method that it has not. */
export function methodNotAllowed(...allow: readonly string[]): RequestHandler {
  const detail = `This path answers ${allow.join(', ')}.`;
  return () => {
    throw new RequestError('method-not-allowed', detail, { allow });
  };
}
