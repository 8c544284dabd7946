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
import type { JsonBody } from './json/json-body.js';
import type { Problem } from './problem.js';
import { RequestError } from './request-error.js';

/** What the routes depend on. */
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
  readonly jsonBody: JsonBody;
  /** Answers a read with the refusal that a write would get. */
  readonly refuse: (request: Request, response: Response, refusal: Refusal) => void;
  /** The problem that an error is answered with; a defect is also reported. */
  readonly problemOf: (error: unknown, request: Request) => Problem;
  /** Resolves once the requests that have arrived already were served. */
  readonly yieldTurn: () => Promise<void>;
  /** Throws UnavailableError 'overloaded' if a write must be shed by now; see Admission.isLate. */
  readonly refuseLate: () => void;
  /** Gives back the lane's place of an answer that has no end, or that must wait. */
  readonly release: (response: Response) => void;
}

/** Ends a route: a request that gets here has a method that the path does not answer. */
export function methodNotAllowed(...allow: readonly string[]): RequestHandler {
  const detail = `This path answers ${allow.join(', ')}.`;
  return () => {
    throw new RequestError('method-not-allowed', detail, { allow });
  };
}
