import type { Request, Response } from 'express';
import { type BreakerState, createCircuitBreaker } from '../resilience/circuit-breaker.js';
import type { RateLimit, RateLimiter, RateLimiterStatistics } from '../resilience/rate-limiter.js';
import type { System } from '../system.js';
import { createAcceptFirst } from './accept-first.js';
import { clientOf } from './client-address.js';
import { createHeldConnections } from './held-connections.js';
import { type Door, type DoorStatistics, createDoor } from './door.js';
import { isRead } from './is-read.js';
import { isBehindTheLast, lingerOnClose } from './lingering-close.js';
import { createLoopTurn } from './loop-turn.js';
import { type Problem, problemAnswer, retryAfter } from './problem.js';
import { createRefusalPace } from './refusal-pace.js';
import { requestIdOf } from './request-id.js';
import type { Arrival } from './waiting-requests.js';

export interface AdmissionDeps {
  readonly system: System;
  /** Of each client. */
  readonly limit: RateLimit;
  readonly limiter: RateLimiter;
  /** Whether clients are known by what a trusted proxy says of them. */
  readonly behindProxy: boolean;
  /** How many requests of a lane may wait for their answer. */
  readonly queueMax: number;
  readonly breaker: { readonly threshold: number; readonly cooldownMs: number };
  readonly onBreaker: (lane: LaneName, state: BreakerState) => void;
  /** Told of what was refused in a second in which something was: there is no line for each. */
  readonly onRefused: (refused: RefusedRequests) => void;
}

/** Reads must not wait, nor be refused, because writes wait for the disk. */
export type LaneName = 'reads' | 'writes';

export interface RefusedRequests {
  /** Over their client's rate. */
  readonly limited: number;
  /** Because there was too much to do. */
  readonly shed: number;
}

export interface AdmissionStatistics {
  readonly limiter: RateLimiterStatistics;
  readonly lanes: Readonly<Record<LaneName, DoorStatistics>>;
  /** Connections that are not read at present, because what they sent was refused. */
  readonly held: number;
}

/** Decides, before anything else is done for a request, whether anything will be. */
export interface Admission {
  /** To be told of every new connection. */
  connectionCame(): void;
  /** Calls its `serve`, now or later; or answers by its `send`, and nothing is left of it. */
  admit(arrival: Arrival): void;
  /** For the answer to a read that has no end, such as a stream: it is not waited for. */
  release(response: Response): void;
  /**
   * Whether the write whose body has come must be refused after all: it has waited longer than anybody
   * should, or there are more than there are places for.
   */
  isLate(): boolean;
  /** How many requests have come and were not answered yet. */
  inFlight(): number;
  statistics(): AdmissionStatistics;
}

/** Of health and metrics, which are always answered. */
const ALWAYS_ANSWERED =
  /^\/(?:api\/health(?:\/[a-z]+)?|(?:api\/)?metrics|api\/metrics\/reset)(?:\?|$)/;

export function isAlwaysAnswered(url: string): boolean {
  return ALWAYS_ANSWERED.test(url);
}

/** The rest of a larger body is not worth reading for the sake of the connection. */
const BODY_READ_BYTES_MAX = 64 * 1024;
const REPORT_AFTER_MS = 1_000;
/** An open breaker refuses everybody: it takes more than a few odd failures to open one. */
const BREAKER_WINDOW = { window: 1_000, callsMin: 100 };

export function createAdmission(deps: AdmissionDeps): Admission {
  const { system, limit, limiter, behindProxy, queueMax } = deps;
  const { clock, ids, random, timers } = system;
  const turn = createLoopTurn(system);
  const windowSeconds = Math.ceil(limit.burst / limit.perSecond);
  const policy = `"default";q=${limit.burst};w=${windowSeconds}`;
  const held = createHeldConnections(system);
  const pace = createRefusalPace(clock);
  const order = createAcceptFirst(system, () => turn.hasBeenLong());
  const doors = { reads: door('reads'), writes: door('writes') };
  const refused = { limited: 0, shed: 0 };

  function door(name: LaneName): Door {
    const policy = { ...deps.breaker, ...BREAKER_WINDOW };
    return createDoor({
      ...{ clock, timers, queueMax, pace, order, turn, unpaced: holdAfter },
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

  /** Takes a token of the client; undefined: it had one. */
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
    // Spread, so that those who were refused together do not return together.
    const headers = [...retryAfter(waitMs * (1 + random.next()))];
    if (!isBodyWorthReading(request)) {
      headers.push('Connection', 'close');
      lingerOnClose(request.socket, request);
    }
    const source = { requestId: request.requestId, instance: pathOf(request.url) };
    send(request, response, problemAnswer({ ...PROBLEM[kind], headers }, source));
  }

  /** The connection, for a while, where too many are refused. */
  function holdAfter({ request, response }: Arrival): void {
    if (isBodyWorthReading(request)) response.on('close', () => held.refused(request.socket));
  }

  function ask(arrival: Arrival): void {
    const { request, response } = arrival;
    // Who asks and leaves has asked.
    const waitMs = request.isHandedOver === true ? undefined : overLimit(request, response);
    // It may have waited, and one before it on its connection has been refused since.
    if (response.destroyed || isBehindTheLast(request)) return;
    if (waitMs === undefined) {
      doors[isRead(request) ? 'reads' : 'writes'].ask(arrival);
      return;
    }
    holdAfter(arrival);
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
    release: (response) => doors.reads.lane.leave(response),
    inFlight: () => doors.reads.inFlight + doors.writes.inFlight,
    isLate: () => turn.isTooLong() || doors.writes.lane.isOverfull,
    statistics: () => ({
      limiter: limiter.statistics(),
      lanes: { reads: doors.reads.statistics(), writes: doors.writes.statistics() },
      held: held.size,
    }),
  };
}

const PROBLEM: Readonly<Record<'limited' | 'shed', Problem>> = {
  limited: {
    code: 'rate-limited',
    detail: 'The request was not executed: more came from this client than it may send.',
  },
  shed: {
    code: 'overloaded',
    detail: 'The request was not executed, and nothing was stored: it may be sent again.',
  },
};

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

/** A client that waits for "100 Continue" may or may not send its body once it was refused. */
function isBodyWorthReading({ headers }: Request): boolean {
  return (
    headers['transfer-encoding'] === undefined &&
    headers.expect === undefined &&
    Number(headers['content-length'] ?? 0) <= BODY_READ_BYTES_MAX
  );
}
