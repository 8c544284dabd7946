import type { Request, Response } from 'express';
import {
  type BreakerStatistics,
  type CircuitBreaker,
  type Permit,
  REFUSED,
} from '../../resilience/circuit-breaker.js';

declare module 'express-serve-static-core' {
  interface Response {
    /** A call in progress of the lane's breaker. */
    lanePermit?: Permit | undefined;
    /** The body of its request is still arriving. */
    isReceiving?: boolean;
  }
}

/** Present figures, and counts since the start. */
export interface LaneStatistics {
  /** Fully received, and not answered yet. */
  readonly queued: number;
  /** Admitted, with a body that is still arriving. */
  readonly receiving: number;
  readonly queueMax: number;
  readonly admitted: number;
  /** Refused because the lane was full, or because they had waited too long. */
  readonly shed: number;
  readonly breaker: BreakerStatistics;
  /** The breaker lets no request through, and its cooldown is not over. */
  readonly isStopped: boolean;
}

/**
 * The admitted, unanswered requests of one kind. A request whose body is still arriving takes no place
 * in the queue: otherwise slow senders could occupy all places for as long as a request may take.
 */
export interface Lane {
  readonly isFull: boolean;
  /** More requests than places, because several bodies ended at the same time. */
  readonly isOverfull: boolean;
  readonly room: number;
  readonly inFlight: number;
  /** False: the breaker is open. Else the request is in the lane until its answer is sent or cut off. */
  enter(request: Request, response: Response): boolean;
  /** Takes the request out earlier: for an answer that has no end. */
  leave(response: Response): void;
  /** Counts a request that was refused because of this lane. */
  shed(): void;
  retryAfterMs(): number;
  statistics(): LaneStatistics;
}

/**
 * Bodies that may be arriving per place in the queue: more than one client can start, at the default
 * rate limit, within the 30 s that a request may take.
 */
const RECEIVING_PER_PLACE = 4;

/** 503 is a deliberate refusal; any other 5xx is a failure. */
const UNAVAILABLE = 503;

/** `onRoom` is called whenever a request has left. */
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
    const { statusCode, headersSent } = response;
    // Without an answer, because the client has left or has to wait, it is neither of the two.
    if (headersSent) breaker.leave(permit, statusCode < 500 || statusCode === UNAVAILABLE);
    else breaker.abandon(permit);
    onRoom();
  }

  // One shared listener: no closure per request.
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
      // A forwarded request was counted where it came from.
      if (request.isForwarded !== true) admitted += 1;
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
      queued: queued(),
      receiving,
      queueMax,
      admitted,
      shed,
      breaker: breaker.statistics(),
      isStopped: breaker.state === 'open' && breaker.retryAfterMs() > 0,
    }),
  };
}

function hasBody({ headers }: Request): boolean {
  const length = headers['content-length'];
  return (length !== undefined && length !== '0') || headers['transfer-encoding'] !== undefined;
}
