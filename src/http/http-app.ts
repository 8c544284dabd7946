import type { Server } from 'node:http';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import type { InventoryQueries } from '../application/inventory-queries.js';
import type { InventoryService } from '../application/inventory-service.js';
import type { DurableLog } from '../application/ports.js';
import type { CentralView } from '../application/sync-control.js';
import { UnavailableError } from '../domain/errors.js';
import type { RecordTime } from '../domain/stock.js';
import type { System } from '../system.js';
import { type Admission, isAlwaysAnswered } from './admission/admission.js';
import { type OutcomeCounter, type SendAnswer, createAnswerSender } from './answer.js';
import { handleClientErrors, refuseHead } from './server/client-errors.js';
import { createCommandRunner, sourceOf } from './command-runner.js';
import { type FeedLimits, createFollowers } from './feed/followers.js';
import { type AnsweredAt, createForwarding, isForwarded } from './server/forwarding.js';
import { type HttpLimits, type LastResort, createExpressServer } from './server/http-server.js';
import { lingerOnClose } from './server/lingering-close.js';
import { isLastPipelined } from './server/pipelining.js';
import { createJsonBody } from './json/json-body.js';
import { type Problem, problemAnswer, problemOf } from './problem.js';
import type { ReadinessFacts } from './readiness.js';
import { refusalProblem } from './refusal-problem.js';
import { headFault, isMisframed, settleTarget } from './server/request-head.js';
import { RequestError } from './request-error.js';
import { requestIdOf } from './request-id.js';
import type { RouteDeps } from './route-deps.js';
import { apiDocsRoutes } from './routes/api-docs.js';
import { batchRoutes } from './routes/batch.js';
import { eventRoutes } from './routes/events.js';
import { healthRoutes } from './routes/health.js';
import { type MetricsSource, metricsRoutes } from './routes/metrics.js';
import { reservationRoutes } from './routes/reservations.js';
import { stockListRoutes } from './routes/stock-lists.js';
import { stockRoutes } from './routes/stock.js';
import { syncRoutes } from './routes/sync.js';
import { transferRoutes } from './routes/transfers.js';

/** What may be reported about a request whose handling failed. */
export interface FailedRequest {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
}

export interface HttpAppDeps {
  readonly service: InventoryService;
  readonly queries: InventoryQueries;
  readonly feed: DurableLog;
  readonly central: CentralView;
  /** Which process answers for the central view; undefined: always this one. */
  readonly answeredAt?: AnsweredAt | undefined;
  /** The present record time: the repository's. */
  readonly now: () => RecordTime;
  readonly system: System;
  readonly admission: Admission;
  /** As Express's `trust proxy`; undefined: none is trusted. */
  readonly trustProxy?: number | string | undefined;
  /** Called with every request; may follow its answer, too. */
  readonly observe: (request: Request, response: Response) => void;
  /** Puts a span around every request; absent: tracing is off. */
  readonly traceRequests?: RequestHandler | undefined;
  readonly outcomes: OutcomeCounter;
  readonly metrics: MetricsSource;
  readonly mayResetMetrics: boolean;
  readonly readiness: () => ReadinessFacts;
  /** The service's version, for the health answer. */
  readonly version: string;
  /** True once the server takes no new work. */
  readonly draining: () => boolean;
  /** Called once for each failure that is a defect; the client is told no details. */
  readonly onInternalError: (error: unknown, request: FailedRequest) => void;
  readonly limits?: HttpLimits;
  readonly feedLimits?: FeedLimits | undefined;
}

export interface HttpApp {
  /** Not listening yet. */
  readonly server: Server;
  /**
   * Ends the streams, which would never end by themselves, and the reads that wait for another
   * process: clients resume their streams and retry their reads.
   */
  endWaiting(): void;
}

/** The least `Retry-After` of a request refused while the server drains, in ms. */
const DRAINING_RETRY_MS = 1_000;
/** The least `Retry-After` of a write that is shed late (see `isLate`), in ms. */
const LATE_RETRY_MS = 1_000;

/** The whole HTTP edge. */
export function createHttpApp(deps: HttpAppDeps): HttpApp {
  const { system, feed, metrics, admission, trustProxy } = deps;
  const { clock, timers } = system;
  const followers = createFollowers({ log: feed, clock, timers, limits: deps.feedLimits });
  const routeDeps = routeDepsOf(deps);
  const { send } = routeDeps;
  // The request log, which counts all others, sees only requests that are served.
  const sendRefusal: SendAnswer = (request, response, answer) => {
    if (request.isForwarded !== true) deps.outcomes.turnedAway(request.method, answer.status);
    send(request, response, answer);
  };
  const { app, server } = createExpressServer(deps.limits, {
    lastResort: breakOff(routeDeps),
    // While the server drains, new requests bypass admission, to be refused: `inFlight` only falls.
    admit: (request, response, serve) => {
      if (isMisframed(request)) {
        deps.outcomes.connectionRefused(400);
        refuseHead(request, response, 400);
        return;
      }
      request.targetFault = settleTarget(request);
      if (isForwarded(request.socket)) request.isForwarded = true;
      if (deps.draining()) serve(request, response);
      else admission.admit({ request, response, serve, send: sendRefusal });
    },
    ...(trustProxy !== undefined && { trustProxy }),
  });
  server.on('connection', () => admission.connectionCame());
  handleClientErrors(server, clock, (status) => deps.outcomes.connectionRefused(status));

  if (deps.traceRequests !== undefined) app.use(deps.traceRequests);
  app.use(beforeRoutes(deps));
  // Routes are tried in this order, the busiest first. All are in one router: passing a second one
  // costs a request more than all its other layers.
  stockRoutes(app, routeDeps);
  reservationRoutes(app, routeDeps);
  stockListRoutes(app, routeDeps);
  transferRoutes(app, routeDeps);
  batchRoutes(app, routeDeps);
  eventRoutes(app, { ...routeDeps, random: system.random }, followers);
  const forwarding = deps.answeredAt && createForwarding(deps.answeredAt, { ...routeDeps, timers });
  syncRoutes(app, routeDeps, forwarding?.handler);
  healthRoutes(app, { ...deps, clock, send });
  metricsRoutes(app, { ...routeDeps, metrics, mayReset: deps.mayResetMetrics });
  apiDocsRoutes(app, { send });
  app.use(notFound);
  app.use(answerErrors(routeDeps));
  return {
    server,
    endWaiting() {
      followers.end();
      forwarding?.stopWaiting();
    },
  };
}

function routeDepsOf(deps: HttpAppDeps): RouteDeps {
  const { service, queries, feed, central, now, system, outcomes, admission } = deps;
  const { ids, random, timers } = system;
  const send = createAnswerSender({ draining: deps.draining, outcomes });

  function problemFor(error: unknown, request: Request): Problem {
    const problem = problemOf(error, random);
    if (problem.code === 'internal') {
      const { requestId, method, path } = request;
      deps.onInternalError(error, { requestId, method, path });
    }
    return problem;
  }

  function refuseLate(): void {
    if (!admission.isLate()) return;
    admission.countShedWrite();
    throw new UnavailableError('overloaded', LATE_RETRY_MS);
  }

  return {
    service,
    queries,
    feed,
    central,
    ids,
    now,
    send,
    outcomes,
    jsonBody: createJsonBody(() => admission.countShedWrite()),
    run: createCommandRunner({ service, now, send, refuseLate }),
    refuseLate,
    release: (response) => admission.release(response),
    refuse: (request, response, refusal) => {
      send(request, response, problemAnswer(refusalProblem(refusal, now()), sourceOf(request)));
    },
    problemOf: problemFor,
    yieldTurn: () => new Promise((resolve) => timers.immediate(resolve)),
  };
}

/**
 * All that comes before the routes, in one layer: a layer costs Express more time and memory than
 * any of these steps.
 */
function beforeRoutes(deps: HttpAppDeps): RequestHandler {
  const { system, draining, observe } = deps;

  /** Probes and scrapes are still answered: a server that drains must not look broken to them. */
  function drainingFault(request: Request, response: Response): UnavailableError | undefined {
    if (!draining() || isAlwaysAnswered(request.url)) return undefined;
    // If the client is still sending a body, a reset must not cut off the answer. Of several
    // pipelined requests the last one closes (answer.ts).
    if (isLastPipelined(response, request.socket)) lingerOnClose(request.socket, request);
    return new UnavailableError('shutting-down', DRAINING_RETRY_MS);
  }

  return (request, response, next) => {
    request.requestId = requestIdOf(request, system.ids);
    observe(request, response);
    next(request.targetFault ?? headFault(request) ?? drainingFault(request, response));
  };
}

const notFound: RequestHandler = () => {
  throw new RequestError('not-found', 'Paths match exactly: case and trailing slashes count.');
};

/** For a failure to answer at all, which Express would answer with an HTML page. */
function breakOff({ problemOf: problemFor }: RouteDeps): LastResort {
  return (error, request, response) => {
    problemFor(error, request);
    response.destroy();
  };
}

function answerErrors({ send, problemOf: problemFor }: RouteDeps): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    const problem = problemFor(error, request);
    // A partly sent answer cannot be taken back: the client sees that it was cut off.
    if (response.headersSent) response.destroy();
    else send(request, response, problemAnswer(problem, sourceOf(request)));
  };
}
