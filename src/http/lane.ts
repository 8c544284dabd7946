import type { Response } from 'express';
import {
  type BreakerStatistics,
  type CircuitBreaker,
  type Permit,
  REFUSED,
} from '../resilience/circuit-breaker.js';

declare module 'express-serve-static-core' {
  interface Response {
    /** Of the lane's breaker, until it is given back. */
    lanePermit?: Permit | undefined;
  }
}

/** Plain numbers: what is now, and what was since the start. */
export interface LaneStatistics {
  /** Taken in and not answered yet. */
  readonly queued: number;
  readonly queueMax: number;
  readonly admitted: number;
  /** Refused because of the queue, or because they had waited too long. */
  readonly shed: number;
  readonly breaker: BreakerStatistics;
}

/** The requests of one kind that were taken in and not answered yet. */
export interface Lane {
  readonly isFull: boolean;
  readonly room: number;
  readonly queued: number;
  /** False: the breaker is open. Else the lane has one more, until its answer is out or cut off. */
  enter(response: Response): boolean;
  /** Before that: for an answer that has no end. */
  leave(response: Response): void;
  /** A request that was refused because of this lane. */
  shed(): void;
  retryAfterMs(): number;
  statistics(): LaneStatistics;
}

/** 503 says that we refuse, on purpose; any other 5xx is a failure. */
const UNAVAILABLE = 503;

export function createLane(queueMax: number, breaker: CircuitBreaker): Lane {
  let queued = 0;
  let admitted = 0;
  let shed = 0;

  function leave(response: Response): void {
    const permit = response.lanePermit;
    if (permit === undefined) return;
    response.lanePermit = undefined;
    queued -= 1;
    const { statusCode } = response;
    breaker.leave(permit, statusCode < 500 || statusCode === UNAVAILABLE);
  }

  /** One function for all: nothing is built per request. */
  function onClose(this: Response): void {
    leave(this);
  }

  return {
    get isFull() {
      return queued >= queueMax;
    },
    get queued() {
      return queued;
    },
    get room() {
      return Math.max(0, queueMax - queued);
    },
    enter(response) {
      const permit = breaker.enter();
      if (permit === REFUSED) return false;
      queued += 1;
      admitted += 1;
      response.lanePermit = permit;
      response.on('close', onClose);
      return true;
    },
    leave,
    shed() {
      shed += 1;
    },
    retryAfterMs: () => breaker.retryAfterMs(),
    statistics: () => ({ queued, queueMax, admitted, shed, breaker: breaker.statistics() }),
  };
}
