import type { Socket } from 'node:net';
import type { Request, Response } from 'express';
import type { System } from '../system.js';
import type { SendAnswer } from './answer.js';

/** A request that has come, and the two things that may become of it. */
export interface Arrival {
  readonly request: Request;
  readonly response: Response;
  readonly serve: (request: Request, response: Response) => void;
  readonly send: SendAnswer;
}

export interface WaitingRequestsDeps extends Pick<System, 'clock' | 'timers'> {
  /** How many more could be taken in now. */
  readonly room: () => number;
  readonly takeIn: (arrival: Arrival) => void;
  readonly refuse: (arrival: Arrival) => void;
  /** Whether one may be refused now: then it will be. */
  readonly mayRefuse: () => boolean;
  /** Runs it as soon as others may be taken in. */
  readonly soon: (task: () => void) => void;
  /** Who has waited for longer, in ms, is not taken in any more. */
  readonly waitMsMax: number;
}

/**
 * Requests for which there was no room, and whose refusal waits its turn: refusing is cheap, but not
 * so cheap that any number could be refused. Where room comes those that came last are taken in
 * first: their clients have waited least, and are there for the answer. Those that came first are
 * refused first. A client that leaves takes its request with it.
 */
export interface WaitingRequests {
  readonly size: number;
  /** Whether one of this connection waits: what came behind it must not be begun before it. */
  hasOneOf(connection: Socket): boolean;
  /**
   * False: there are too many, or its body is too large to be kept, or it came behind one of its
   * connection that is not answered yet: of several the last would be begun first.
   */
  add(arrival: Arrival): boolean;
  /** To be told when there is room for another. */
  roomCame(): void;
}

const TICK_MS = 10;
const WAITING_MAX = 4_096;
/** What has come of its body is kept for each: 64 MiB at the most. */
const BODY_BYTES_MAX = 16 * 1024;

interface Waiting {
  /** Undefined: it waits no more. */
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
  /** From `first` on, in the order in which they came; those that wait no more among them. */
  let list: Waiting[] = [];
  let first = 0;
  /** Of those that wait: one of a connection at a time. */
  const connections = new Set<Socket>();
  let isTicking = false;
  let isFilling = false;

  function leave(waiting: Waiting): void {
    if (waiting.arrival === undefined) return;
    connections.delete(waiting.arrival.request.socket);
    waiting.arrival = undefined;
  }

  // One function for all: nothing is built per request.
  function onClose(this: Response): void {
    if (this.waiting !== undefined) leave(this.waiting);
  }

  function oldest(): Arrival | undefined {
    while (first < list.length && list[first]?.arrival === undefined) first += 1;
    return list[first]?.arrival;
  }

  /** Undefined also where even the newest has waited for too long. */
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
      // Node gives an answer its socket when its turn has come.
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
