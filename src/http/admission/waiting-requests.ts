import type { Socket } from 'node:net';
import type { Request, Response } from 'express';
import type { System } from '../../system.js';
import type { SendAnswer } from '../answer.js';

/** A request, and the two things that can become of it: it is served, or answered at once. */
export interface Arrival {
  readonly request: Request;
  readonly response: Response;
  readonly serve: (request: Request, response: Response) => void;
  readonly send: SendAnswer;
}

export interface WaitingRequestsDeps extends Pick<System, 'clock' | 'timers'> {
  /** How many more requests the lane can take now. */
  readonly room: () => number;
  readonly takeIn: (arrival: Arrival) => void;
  readonly refuse: (arrival: Arrival) => void;
  /** Takes one refusal from the budget, if there is one. */
  readonly mayRefuse: () => boolean;
  /** Runs the task as soon as requests may be admitted again. */
  readonly soon: (task: () => void) => void;
  /** A request that has waited for longer, in ms, is not admitted any more. */
  readonly waitMsMax: number;
}

/**
 * Requests that found no room in the lane and wait for room, or for their refusal: refusing is cheap,
 * but not free, so refusals are limited by a budget. Admission is last in, first out (adaptive LIFO):
 * the newest clients have waited least and are still there for the answer. The oldest are refused
 * first. A request whose client disconnects is dropped.
 */
export interface WaitingRequests {
  readonly size: number;
  /** Whether a request of this connection waits: a pipelined one must not start before it. */
  hasOneOf(connection: Socket): boolean;
  /**
   * False: too many wait, its body is too large to keep, or it is pipelined behind a request that is
   * not answered yet (last in, first out would reorder them).
   */
  add(arrival: Arrival): boolean;
  /** Called when the lane has room for another request. */
  roomCame(): void;
}

const TICK_MS = 10;
const WAITING_MAX = 4_096;
/** What has arrived of each body is kept: 64 MiB in each lane at most. */
const BODY_BYTES_MAX = 16 * 1024;

interface Waiting {
  /** Undefined once it no longer waits. */
  arrival: Arrival | undefined;
  readonly sinceMs: number;
}

declare module 'express-serve-static-core' {
  interface Response {
    waiting?: Waiting;
  }
}

export function createWaitingRequests(deps: WaitingRequestsDeps): WaitingRequests {
  const { clock, timers, room, takeIn, refuse, mayRefuse, soon, waitMsMax } = deps;
  /** From `first` on, in order of arrival; may contain entries that no longer wait. */
  let list: Waiting[] = [];
  let first = 0;
  /** The connections of the waiting requests, one request each. */
  const connections = new Set<Socket>();
  let isTicking = false;
  let isFilling = false;

  function leave(waiting: Waiting): void {
    if (waiting.arrival === undefined) return;
    connections.delete(waiting.arrival.request.socket);
    waiting.arrival = undefined;
  }

  // One shared listener: no closure per request.
  function onClose(this: Response): void {
    if (this.waiting !== undefined) leave(this.waiting);
  }

  function oldest(): Arrival | undefined {
    while (first < list.length && list[first]?.arrival === undefined) first += 1;
    return list[first]?.arrival;
  }

  /** Undefined also if even the newest has waited for too long. */
  function newest(): Arrival | undefined {
    while (list.length > first && list.at(-1)?.arrival === undefined) list.pop();
    const waiting = list.at(-1);
    const isFresh = waiting !== undefined && clock.monotonicMs() - waiting.sinceMs <= waitMsMax;
    return isFresh ? waiting.arrival : undefined;
  }

  function end(arrival: Arrival): void {
    if (arrival.response.waiting !== undefined) leave(arrival.response.waiting);
  }

  function fill(): void {
    isFilling = false;
    for (let left = room(); left > 0; left -= 1) {
      const arrival = newest();
      if (arrival === undefined) break;
      end(arrival);
      takeIn(arrival);
    }
  }

  function tick(): void {
    isTicking = false;
    for (let arrival = oldest(); arrival !== undefined && mayRefuse(); arrival = oldest()) {
      end(arrival);
      refuse(arrival);
    }
    if (first > list.length / 2) {
      list = list.slice(first);
      first = 0;
    }
    fillSoon();
    keepTicking();
  }

  function fillSoon(): void {
    if (isFilling || connections.size === 0) return;
    isFilling = true;
    soon(fill);
  }

  function keepTicking(): void {
    if (isTicking || connections.size === 0) return;
    isTicking = true;
    timers.after(TICK_MS, tick);
  }

  return {
    get size() {
      return connections.size;
    },
    hasOneOf: (connection) => connections.has(connection),
    add(arrival) {
      const { request, response } = arrival;
      // Node assigns the socket to a pipelined response when its turn comes.
      const isBehind = response.socket === null;
      if (isBehind || connections.size === WAITING_MAX || !isSmall(request)) return false;
      const waiting = { arrival, sinceMs: clock.monotonicMs() };
      list.push(waiting);
      connections.add(request.socket);
      response.waiting = waiting;
      response.on('close', onClose);
      keepTicking();
      return true;
    },
    roomCame: fillSoon,
  };
}

function isSmall({ headers }: Request): boolean {
  const isKnown = headers['transfer-encoding'] === undefined;
  return isKnown && Number(headers['content-length'] ?? 0) <= BODY_BYTES_MAX;
}
