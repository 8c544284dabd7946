import type { System } from '../../system.js';
import type { AcceptPriority } from './accept-priority.js';
import { type Lane, type LaneStatistics, createLane } from './lane.js';
import type { CircuitBreaker } from '../../resilience/circuit-breaker.js';
import { isBehindTheLast } from '../server/lingering-close.js';
import { WAIT_MS_MAX, type EventLoopTurn } from './event-loop-turn.js';
import type { RefusalBudget } from './refusal-budget.js';
import { type Arrival, createWaitingRequests } from './waiting-requests.js';

export interface LaneAdmissionStatistics extends LaneStatistics {
  /** Neither admitted, for lack of room, nor refused yet. */
  readonly waiting: number;
}

/** Admits requests to one lane; when it is full they wait for room, or are shed. */
export interface LaneAdmission {
  readonly lane: Lane;
  ask(arrival: Arrival): void;
  /** Requests that have arrived and are not answered yet. */
  readonly inFlight: number;
  statistics(): LaneAdmissionStatistics;
}

export interface LaneAdmissionDeps extends Pick<System, 'clock' | 'timers'> {
  readonly queueMax: number;
  readonly breaker: CircuitBreaker;
  /** Shared by all lanes. */
  readonly budget: RefusalBudget;
  readonly order: AcceptPriority;
  readonly turn: EventLoopTurn;
  readonly refuse: (arrival: Arrival, retryMs: number) => void;
  /** Called before a refusal that could not wait for the budget. */
  readonly refusedBeyondBudget: (arrival: Arrival) => void;
}

/** The least `Retry-After` of a shed request, in ms. */
const SHED_RETRY_MS = 1_000;

export function createLaneAdmission(deps: LaneAdmissionDeps): LaneAdmission {
  const { clock, timers, budget, order, turn, refuse, refusedBeyondBudget } = deps;
  const lane = createLane(deps.queueMax, deps.breaker, roomCame);
  const waiting = createWaitingRequests({
    clock,
    timers,
    takeIn,
    waitMsMax: WAIT_MS_MAX,
    room: () => lane.room,
    refuse: shed,
    mayRefuse: () => budget.take(),
    soon: (task) => order.afterwards(task),
  });

  function roomCame(): void {
    waiting.roomCame();
  }

  function takeIn(arrival: Arrival): void {
    const { request, response, serve } = arrival;
    // While it waited, an earlier request of its connection may have been refused.
    if (isBehindTheLast(request)) return;
    if (lane.enter(request, response)) serve(request, response);
    else refuse(arrival, lane.retryAfterMs());
  }

  function shed(arrival: Arrival): void {
    lane.shed();
    refuse(arrival, SHED_RETRY_MS);
  }

  function shedAtOnce(arrival: Arrival): void {
    refusedBeyondBudget(arrival);
    shed(arrival);
  }

  return {
    lane,
    ask(arrival) {
      if (waiting.hasOneOf(arrival.request.socket)) shedAtOnce(arrival);
      else if (!lane.isFull && !turn.isTooLong()) takeIn(arrival);
      else if (waiting.size === 0 && budget.take()) shed(arrival);
      else if (!waiting.add(arrival)) shedAtOnce(arrival);
    },
    get inFlight() {
      return lane.inFlight + waiting.size;
    },
    statistics: () => ({ ...lane.statistics(), waiting: waiting.size }),
  };
}
