import { assert } from '../assert.js';
import type { Clock } from '../system.js';

/**
 * - `closed`: calls go through, and their outcomes are counted.
 * - `open`: too many of the last calls failed; none goes through until the cooldown is over.
 * - `half-open`: one call goes through as a probe; its outcome closes or reopens the breaker.
 */
export type BreakerState = 'closed' | 'open' | 'half-open';

export interface BreakerPolicy {
  /** The share of failures among the last calls that opens the breaker: above 0, at most 1. */
  readonly threshold: number;
  /** How long the breaker stays open before a probe, in ms. */
  readonly cooldownMs: number;
  /** How many of the last calls count. */
  readonly window: number;
  /** With fewer calls since it closed, the breaker stays closed whatever their outcome. */
  readonly callsMin: number;
}

/** Plain numbers since the start. */
export interface BreakerStatistics {
  readonly state: BreakerState;
  readonly successes: number;
  readonly failures: number;
  /** Calls that were not let through. */
  readonly refused: number;
  /** How often it has opened, including after failed probes. */
  readonly opened: number;
}

/** The breaker did not let the call through: nothing was done. */
export class BreakerOpenError extends Error {
  override readonly name = 'BreakerOpenError';
  constructor(readonly retryAfterMs: number) {
    super('the circuit breaker is open');
  }
}

/** Returned by `enter`, for `leave` or `abandon`, once: names the span that the call began in. */
export type Permit = number;
/** Not let through. */
export const REFUSED: Permit = 0;

export interface CircuitBreaker {
  readonly state: BreakerState;
  /** For calls that are not promises: REFUSED, or a permit for `leave` or `abandon`, once. */
  enter(): Permit;
  leave(permit: Permit, succeeded: boolean): void;
  /** For a call without an outcome. If it was the probe, the next call is another one. */
  abandon(permit: Permit): void;
  /** How long it will let no call through, in ms; 0: the next call goes through. */
  retryAfterMs(): number;
  /** Rejects with BreakerOpenError, else with what the task threw, which counts as a failure. */
  run<T>(task: () => Promise<T>): Promise<T>;
  /** Runs the task whatever the state; as the probe, if the breaker is not closed. */
  probe<T>(task: () => Promise<T>): Promise<T>;
  statistics(): BreakerStatistics;
}

/** `onChange` is called for every change of state, in order. */
export function createCircuitBreaker(
  policy: BreakerPolicy,
  clock: Clock,
  onChange: (state: BreakerState) => void = () => undefined,
): CircuitBreaker {
  const { threshold, cooldownMs, window, callsMin } = policy;
  assert(callsMin >= 1 && callsMin <= window, 'a breaker that could never open');
  /** Ring buffer of the outcomes of the last `window` calls; 1: a failure. */
  const outcomes = new Uint8Array(window);
  let next = 0;
  let known = 0;
  let failed = 0;

  let state: BreakerState = 'closed';
  /** Incremented by every change of state, to recognize outcomes of calls that began before it. */
  let span: Permit = 1;
  let probeNotBefore = 0;
  const counts = { successes: 0, failures: 0, refused: 0, opened: 0 };

  function changeTo(to: BreakerState): void {
    state = to;
    span += 1;
    if (to === 'closed') {
      outcomes.fill(0);
      next = known = failed = 0;
    } else {
      // Also for a probe: after one that never returns there must be another.
      probeNotBefore = clock.monotonicMs() + cooldownMs;
      if (to === 'open') counts.opened += 1;
    }
    onChange(to);
  }

  function note(outcome: 0 | 1): void {
    failed += outcome - (outcomes[next] ?? 0);
    outcomes[next] = outcome;
    next = next + 1 === window ? 0 : next + 1;
    if (known < window) known += 1;
    if (outcome === 1 && known >= callsMin && failed >= threshold * known) changeTo('open');
  }

  function enter(): Permit {
    if (state === 'closed') return span;
    if (clock.monotonicMs() < probeNotBefore) {
      counts.refused += 1;
      return REFUSED;
    }
    changeTo('half-open');
    return span;
  }

  function leave(permit: Permit, succeeded: boolean): void {
    if (succeeded) counts.successes += 1;
    else counts.failures += 1;
    // The call began before the last change of state: it says nothing about the time since.
    if (permit !== span) return;
    if (state === 'closed') note(succeeded ? 0 : 1);
    else changeTo(succeeded ? 'closed' : 'open');
  }

  function abandon(permit: Permit): void {
    if (permit === span && state === 'half-open') probeNotBefore = clock.monotonicMs();
  }

  async function runUnder<T>(permit: Permit, task: () => Promise<T>): Promise<T> {
    let succeeded = false;
    try {
      const result = await task();
      succeeded = true;
      return result;
    } finally {
      leave(permit, succeeded);
    }
  }

  const retryAfterMs = (): number =>
    state === 'closed' ? 0 : Math.max(0, probeNotBefore - clock.monotonicMs());

  return {
    get state() {
      return state;
    },
    enter,
    leave,
    abandon,
    retryAfterMs,
    async run(task) {
      const permit = enter();
      if (permit === REFUSED) throw new BreakerOpenError(retryAfterMs());
      return await runUnder(permit, task);
    },
    async probe(task) {
      if (state !== 'closed') changeTo('half-open');
      return await runUnder(span, task);
    },
    statistics: () => ({ state, ...counts }),
  };
}
