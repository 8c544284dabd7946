import type { Request, Response } from 'express';
import { type BreakerState, createCircuitBreaker } from '../../resilience/circuit-breaker.js';
import type {
  RateLimit,
  RateLimiter,
  RateLimiterStatistics,
} from '../../resilience/rate-limiter.js';
import type { System } from '../../system.js';
import { createAcceptPriority } from './accept-priority.js';
import { clientOf } from './client-address.js';
import { createPausedConnections } from './paused-connections.js';
import {
  type LaneAdmission,
  type LaneAdmissionStatistics,
  createLaneAdmission,
} from './lane-admission.js';
import { isRead } from '../is-read.js';
import { isBehindTheLast, lingerOnClose } from '../server/lingering-close.js';
import { createEventLoopTurn } from './event-loop-turn.js';
import { type Problem, problemAnswer, retryAfter } from '../problem.js';
import { createRefusalBudget } from './refusal-budget.js';
import { requestIdOf } from '../request-id.js';
import type { Arrival } from './waiting-requests.js';

export interface AdmissionDeps {
  readonly system: System;
  /** Per client. */
  readonly limit: RateLimit;
  readonly limiter: RateLimiter;
  /** Whether a client's address is what a trusted proxy says it is. */
  readonly behindProxy: boolean;
  /** How many admitted requests of one lane may be unanswered. */
  readonly queueMax: number;
  readonly breaker: { readonly threshold: number; readonly cooldownMs: number };
  readonly onBreaker: (lane: LaneName, state: BreakerState) => void;
  /** Called once per second in which requests were refused: there is no log line for each. */
  readonly onRefused: (refused: RefusedRequests) => void;
}

/** Separate lanes: reads neither wait nor are shed because writes wait for the disk. */
export type LaneName = 'reads' | 'writes';

export interface RefusedRequests {
  /** Over the rate of their client. */
  readonly limited: number;
  /** Because the service was overloaded. */
  readonly shed: number;
}

export interface AdmissionStatistics {
  /** Called only for metrics: with several processes it reads a file. */
  readonly limiter: () => RateLimiterStatistics;
  readonly lanes: Readonly<Record<LaneName, LaneAdmissionStatistics>>;
  /** Connections that are not read at present, because their requests were refused. */
  readonly paused: number;
}

/** Rate limiting and load shedding: decides about a request before any other work is done for it. */
export interface Admission {
  /** Called for every new connection. */
  connectionCame(): void;
  /** Calls the request's `serve`, now or later, or refuses it by its `send` without a trace. */
  admit(arrival: Arrival): void;
  /** Gives back the place of an answer that has no end, such as a stream. */
  release(response: Response): void;
  /**
   * Whether an admitted write, now that its body has arrived, must be refused after all: it has
   * waited too long, or the lane has become overfull while bodies arrived.
   */
  isLate(): boolean;
  /** Counts a write that is refused further in because of overload. */
  countShedWrite(): void;
  /** Requests that have arrived and are not answered yet. */
  inFlight(): number;
  statistics(): AdmissionStatistics;
}

/** Health and metrics routes are neither limited nor shed. */
const ALWAYS_ANSWERED =
  /^\/(?:api\/health(?:\/[a-z]+)?|(?:api\/)?metrics|api\/metrics\/reset)(?:\?|$)/;

export function isAlwaysAnswered(url: string): boolean {
  return ALWAYS_ANSWERED.test(url);
}

/** The rest of a larger body is not read just to keep the connection. */
const BODY_READ_BYTES_MAX = 64 * 1024;
const REPORT_AFTER_MS = 1_000;
/** An open breaker refuses every client: a few odd failures must not open it. */
const BREAKER_WINDOW = { window: 1_000, callsMin: 100 };

export function createAdmission(deps: AdmissionDeps): Admission {
  const { system, limit, limiter, behindProxy, queueMax } = deps;
  const { clock, ids, random, timers } = system;
  const turn = createEventLoopTurn(system);
  const windowSeconds = Math.ceil(limit.burst / limit.perSecond);
  const policy = `"default";q=${limit.burst};w=${windowSeconds}`;
  const paused = createPausedConnections(system);
  const budget = createRefusalBudget(clock);
  const order = createAcceptPriority(system, () => turn.hasBeenLong());
  const lanes = { reads: laneAdmission('reads'), writes: laneAdmission('writes') };
  const refused = { limited: 0, shed: 0 };

  function laneAdmission(name: LaneName): LaneAdmission {
    const policy = { ...deps.breaker, ...BREAKER_WINDOW };
    return createLaneAdmission({
      clock,
      timers,
      queueMax,
      budget,
      order,
      turn,
      refusedBeyondBudget: pauseAfter,
      breaker: createCircuitBreaker(policy, clock, (state) => deps.onBreaker(name, state)),
      refuse: (arrival, retryMs) => refuse('shed', arrival, retryMs),
    });
  }

  function count(kind: keyof typeof refused): void {
    if (refused.limited + refused.shed === 0) timers.after(REPORT_AFTER_MS, report);
    refused[kind] += 1;
  }

  function report(): void {
    deps.onRefused({ ...refused });
    refused.limited = refused.shed = 0;
  }

  /** Takes a token of the client; the time to wait in ms if there was none. */
  function overLimit(request: Request, response: Response): number | undefined {
    const quota = limiter.take(clientOf(request, behindProxy), clock.monotonicMs());
    const seconds = Math.ceil(quota.fullInMs / 1_000);
    const left = `"default";r=${quota.remaining};t=${seconds}`;
    response.quotaHeaders = ['RateLimit-Policy', policy, 'RateLimit', left];
    return quota.allowed ? undefined : quota.retryAfterMs;
  }

  function refuse(kind: keyof typeof refused, arrival: Arrival, waitMs: number): void {
    const { request, response, send } = arrival;
    count(kind);
    request.requestId = requestIdOf(request, ids);
    // Jitter: clients that were refused together must not return together.
    const headers = [...retryAfter(waitMs * (1 + random.next()))];
    if (!isBodyWorthReading(request)) {
      headers.push('Connection', 'close');
      lingerOnClose(request.socket, request);
    }
    const source = { requestId: request.requestId, instance: pathOf(request.url) };
    send(request, response, problemAnswer({ ...PROBLEM[kind], headers }, source));
  }

  /** Pauses the connection for a while if too many are refused. */
  function pauseAfter({ request, response }: Arrival): void {
    if (isBodyWorthReading(request)) response.on('close', () => paused.refused(request.socket));
  }

  function ask(arrival: Arrival): void {
    const { request, response } = arrival;
    // A client that disconnects meanwhile has used its token all the same.
    const waitMs = request.isForwarded === true ? undefined : overLimit(request, response);
    // It may have been deferred, and an earlier request of its connection refused meanwhile.
    if (response.destroyed || isBehindTheLast(request)) return;
    if (waitMs === undefined) {
      lanes[laneOf(request)].ask(arrival);
      return;
    }
    pauseAfter(arrival);
    refuse('limited', arrival, waitMs);
  }

  return {
    connectionCame: () => order.connectionCame(),
    admit(arrival) {
      const { request, response, serve } = arrival;
      if (isAlwaysAnswered(request.url)) serve(request, response);
      else if (order.isInUse) order.afterwards(() => ask(arrival));
      else ask(arrival);
    },
    release: (response) => lanes[laneOf(response.req)].lane.leave(response),
    inFlight: () => lanes.reads.inFlight + lanes.writes.inFlight,
    isLate: () => turn.isTooLong() || lanes.writes.lane.isOverfull,
    countShedWrite: () => lanes.writes.lane.shed(),
    statistics: () => ({
      limiter: () => limiter.statistics(),
      lanes: { reads: lanes.reads.statistics(), writes: lanes.writes.statistics() },
      paused: paused.size,
    }),
  };
}

const PROBLEM: Readonly<Record<'limited' | 'shed', Problem>> = {
  limited: {
    code: 'rate-limited',
    detail: 'The request was not executed: this client has exceeded its rate limit.',
  },
  shed: {
    code: 'overloaded',
    detail: 'The request was not executed, and nothing was stored: it may be sent again.',
  },
};

function laneOf(request: Request): LaneName {
  return isRead(request) ? 'reads' : 'writes';
}

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

/** A client that waits for "100 Continue" may or may not send its body after a refusal. */
function isBodyWorthReading({ headers }: Request): boolean {
  return (
    headers['transfer-encoding'] === undefined &&
    headers.expect === undefined &&
    Number(headers['content-length'] ?? 0) <= BODY_READ_BYTES_MAX
  );
}
