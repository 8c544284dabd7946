import type { Request, Response } from 'express';
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
    /** The body of its request is still on its way. */
    isReceiving?: boolean;
  }
}

/** Plain numbers: what is now, and what was since the start. */
export interface LaneStatistics {
  /** Whole, and not answered yet. */
  readonly queued: number;
  /** Taken in, with a body that is still on its way. */
  readonly receiving: number;
  readonly queueMax: number;
  readonly admitted: number;
  /** Refused because of the queue, or because they had waited too long. */
  readonly shed: number;
  readonly breaker: BreakerStatistics;
}

/**
 * The requests of one kind that were taken in and not answered yet. One whose body is still on its
 * way has no place in the queue: else whoever sends bodies slowly could take all places, for as long
 * as a request may take.
 */
export interface Lane {
  readonly isFull: boolean;
  /** More than there are places for: their bodies came at the same time. */
  readonly isOverfull: boolean;
  readonly room: number;
  readonly inFlight: number;
  /** False: the breaker is open. Else the lane has one more, until its answer is out or cut off. */
  enter(request: Request, response: Response): boolean;
  /** Before that: for an answer that has no end. */
  leave(response: Response): void;
  /** A request that was refused because of this lane. */
  shed(): void;
  retryAfterMs(): number;
  statistics(): LaneStatistics;
}

/**
 * Bodies that may be on their way, for each place in the queue: more than one client may begin, by the
 * default of its rate, in the time that a request may take (30 s).
 */
const RECEIVING_PER_PLACE = 4;

/** 503 says that we refuse, on purpose; any other 5xx is a failure. */
const UNAVAILABLE = 503;

/** `onRoom` is told when one has left, and another may come. */
export function createLane(queueMax: number, breaker: CircuitBreaker, onRoom: () => void): Lane {
  let inFlight = 0;
  let receiving = 0;
  let admitted = 0;
  let shed = 0;

  const queued = (): number => inFlight - receiving;

  function received(response: Response): void {
    if (!response.isReceiving) return;
    response.isReceiving = false;
    receiving -= 1;
  }

  function leave(response: Response): void {
    received(response);
    const permit = response.lanePermit;
    if (permit === undefined) return;
    response.lanePermit = undefined;
    inFlight -= 1;
    const { statusCode } = response;
    breaker.leave(permit, statusCode < 500 || statusCode === UNAVAILABLE);
    onRoom();
  }

  // One function for all: nothing is built per request.
  function onClose(this: Response): void {
    leave(this);
  }
  function onEnd(this: Request): void {
    if (this.res !== undefined) received(this.res);
  }

  function isFull(): boolean {
    return queued() >= queueMax || receiving >= RECEIVING_PER_PLACE * queueMax;
  }

  return {
    get isFull() {
      return isFull();
    },
    get isOverfull() {
      return queued() > queueMax;
    },
    get inFlight() {
      return inFlight;
    },
    get room() {
      return isFull() ? 0 : queueMax - queued();
    },
    enter(request, response) {
      const permit = breaker.enter();
      if (permit === REFUSED) return false;
      inFlight += 1;
      // Where a request is handed over it was counted already.
      if (request.isHandedOver !== true) admitted += 1;
      response.lanePermit = permit;
      response.on('close', onClose);
      if (hasBody(request)) {
        receiving += 1;
        response.isReceiving = true;
        request.on('end', onEnd);
      }
      return true;
    },
    leave,
    shed() {
      shed += 1;
    },
    retryAfterMs: () => breaker.retryAfterMs(),
    statistics: () => ({
      ...{ queued: queued(), receiving, queueMax, admitted, shed },
      breaker: breaker.statistics(),
    }),
  };
}

function hasBody({ headers }: Request): boolean {
  const length = headers['content-length'];
  return (length !== undefined && length !== '0') || headers['transfer-encoding'] !== undefined;
}
