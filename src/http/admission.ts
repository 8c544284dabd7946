import type { Request, Response } from 'express';
import { type BreakerState, createCircuitBreaker } from '../resilience/circuit-breaker.js';
import type { RateLimit, RateLimiter, RateLimiterStatistics } from '../resilience/rate-limiter.js';
import type { System } from '../system.js';
import type { SendAnswer } from './answer.js';
import { clientOf } from './client-address.js';
import { isHandedOver } from './hand-over.js';
import { createHeldConnections } from './held-connections.js';
import { type Lane, type LaneStatistics, createLane } from './lane.js';
import { lingerOnClose } from './lingering-close.js';
import { createLoopTurn } from './loop-turn.js';
import { type Problem, problemAnswer, retryAfter } from './problem.js';
import { requestIdOf } from './request-id.js';

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
  readonly lanes: Readonly<Record<LaneName, LaneStatistics>>;
  /** Connections that are not read at present, because what they sent was refused. */
  readonly held: number;
}

/** Decides, before anything else is done for a request, whether anything will be. */
export interface Admission {
  /** False: it has been answered by `send`, and nothing is left of it. */
  admit(request: Request, response: Response, send: SendAnswer): boolean;
  /** For the answer to a read that has no end, such as a stream: it is not waited for. */
  release(response: Response): void;
  /**
   * Whether the write whose body has come must be refused after all: it has waited longer than anybody
   * should, or there are more than there are places for.
   */
  isLate(): boolean;
  /** How many requests were taken in and not answered yet. */
  inFlight(): number;
  statistics(): AdmissionStatistics;
}

/** Of health and metrics, which are always answered. */
const ALWAYS_ANSWERED =
  /^\/(?:api\/health(?:\/[a-z]+)?|(?:api\/)?metrics|api\/metrics\/reset)(?:\?|$)/;

export function isAlwaysAnswered(url: string): boolean {
  return ALWAYS_ANSWERED.test(url);
}

/** What a client that is shed is told to wait at the least, in ms. */
const SHED_RETRY_MS = 1_000;
/** The rest of a larger body is not worth reading for the sake of the connection. */
const BODY_READ_BYTES_MAX = 64 * 1024;
const REPORT_AFTER_MS = 1_000;
/** An open breaker refuses everybody: it takes more than a few odd failures to open one. */
const BREAKER_WINDOW = { window: 1_000, callsMin: 100 };

export function createAdmission(deps: AdmissionDeps): Admission {
  const { system, limit, limiter, behindProxy, queueMax } = deps;
  const { clock, ids, random, timers } = system;
  const turn = createLoopTurn(system);
  const lanes = { reads: lane('reads'), writes: lane('writes') };
  const windowSeconds = Math.ceil(limit.burst / limit.perSecond);
  const policy = `"default";q=${limit.burst};w=${windowSeconds}`;
  const room = (): number => Math.min(lanes.reads.room, lanes.writes.room);
  const held = {
    limited: createHeldConnections(system, () => 0),
    shed: createHeldConnections(system, room),
  };
  const refused = { limited: 0, shed: 0 };

  function lane(name: LaneName): Lane {
    const policy = { ...deps.breaker, ...BREAKER_WINDOW };
    const breaker = createCircuitBreaker(policy, clock, (state) => deps.onBreaker(name, state));
    return createLane(queueMax, breaker);
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

  function refuse(kind: keyof typeof held, context: Context, waitMs: number): false {
    const { request, response, send } = context;
    count(kind);
    request.requestId = requestIdOf(request, ids);
    // Spread, so that those who were refused together do not return together.
    const headers = [...retryAfter(waitMs * (1 + random.next()))];
    if (isBodyWorthReading(request)) {
      const { socket } = request;
      response.on('close', () => held[kind].refused(socket));
    } else {
      headers.push('Connection', 'close');
      lingerOnClose(request.socket);
    }
    const source = { requestId: request.requestId, instance: pathOf(request.url) };
    send(request, response, problemAnswer({ ...PROBLEM[kind], headers }, source));
    return false;
  }

  return {
    admit(request, response, send) {
      if (isAlwaysAnswered(request.url)) return true;
      const waitMs = isHandedOver(request.socket) ? undefined : overLimit(request, response);
      if (waitMs !== undefined) return refuse('limited', { request, response, send }, waitMs);
      const taken = isRead(request) ? lanes.reads : lanes.writes;
      if (taken.isFull || turn.isTooLong()) {
        taken.shed();
        return refuse('shed', { request, response, send }, SHED_RETRY_MS);
      }
      return (
        taken.enter(request, response) ||
        refuse('shed', { request, response, send }, taken.retryAfterMs())
      );
    },
    release: (response) => lanes.reads.leave(response),
    inFlight: () => lanes.reads.inFlight + lanes.writes.inFlight,
    isLate: () => turn.isTooLong() || lanes.writes.isOverfull,
    statistics: () => ({
      limiter: limiter.statistics(),
      lanes: { reads: lanes.reads.statistics(), writes: lanes.writes.statistics() },
      held: held.limited.size + held.shed.size,
    }),
  };
}

interface Context {
  readonly request: Request;
  readonly response: Response;
  readonly send: SendAnswer;
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

function isRead({ method }: Request): boolean {
  return method === 'GET' || method === 'HEAD';
}

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
