import type { System } from '../system.js';
import type { AcceptFirst } from './accept-first.js';
import { type Lane, type LaneStatistics, createLane } from './lane.js';
import type { CircuitBreaker } from '../resilience/circuit-breaker.js';
import { isBehindTheLast } from './lingering-close.js';
import { WAIT_MS_MAX, type LoopTurn } from './loop-turn.js';
import type { RefusalPace } from './refusal-pace.js';
import { type Arrival, createWaitingRequests } from './waiting-requests.js';

export interface DoorStatistics extends LaneStatistics {
  /** Neither taken in, for want of room, nor refused yet. */
  readonly waiting: number;
}

/** The way into a lane: through it, or, when that is full, to a refusal. */
export interface Door {
  readonly lane: Lane;
  ask(arrival: Arrival): void;
  /** How many have come and were not answered yet. */
  readonly inFlight: number;
  statistics(): DoorStatistics;
}

export interface DoorDeps extends Pick<System, 'clock' | 'timers'> {
  readonly queueMax: number;
  readonly breaker: CircuitBreaker;
  /** Of all doors. */
  readonly pace: RefusalPace;
  readonly order: AcceptFirst;
  readonly turn: LoopTurn;
  readonly refuse: (arrival: Arrival, retryMs: number) => void;
  /** To be told, before it, of a refusal that could not wait for its turn. */
  readonly unpaced: (arrival: Arrival) => void;
}

/** What a client that is shed is told to wait at the least, in ms. */
const SHED_RETRY_MS = 1_000;

export function createDoor(deps: DoorDeps): Door {
  const { clock, timers, pace, order, turn, refuse, unpaced } = deps;
  const lane = createLane(deps.queueMax, deps.breaker, roomCame);
  const waiting = createWaitingRequests({
    ...{ clock, timers, takeIn, waitMsMax: WAIT_MS_MAX },
    room: () => lane.room,
    refuse: shed,
    mayRefuse: () => pace.take(),
    soon: (task) => order.afterwards(task),
  });

  function roomCame(): void {
    waiting.roomCame();
  }

  function takeIn(arrival: Arrival): void {
    const { request, response, serve } = arrival;
    // As it waited one before it on its connection may have been refused.
    if (isBehindTheLast(request)) return;
    if (lane.enter(request, response)) serve(request, response);
    else refuse(arrival, lane.retryAfterMs());
  }

  function shed(arrival: Arrival): void {
    lane.shed();
    refuse(arrival, SHED_RETRY_MS);
  }

  function shedAtOnce(arrival: Arrival): void {
    unpaced(arrival);
    shed(arrival);
  }

  return {
    lane,
    ask(arrival) {
      if (waiting.hasOneOf(arrival.request.socket)) shedAtOnce(arrival);
      else if (!lane.isFull && !turn.isTooLong()) takeIn(arrival);
      else if (waiting.size === 0 && pace.take()) shed(arrival);
      else if (!waiting.add(arrival)) shedAtOnce(arrival);
    },
    get inFlight() {
      return lane.inFlight + waiting.size;
    },
    statistics: () => ({ ...lane.statistics(), waiting: waiting.size }),
  };
}
