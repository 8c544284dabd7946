import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a client needs of its surroundings besides HTTP; tests pass their own. */
export interface Environment {
  /** Uniform in [0, 1). */
  random(): number;
  /** Resolves after `delayMs`; rejects where the signal ends it. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<unknown>;
  /** Milliseconds that never go back. */
  monotonicMs(): number;
  /** Milliseconds since 1970. */
  wallMs(): number;
  /** Unique, for idempotency keys. */
  newId(): string;
}

/** setTimeout takes no longer time, and would not wait at all. */
const SLEEP_MS_MAX = 2 ** 31 - 1;

/** The real one: this file alone of the client takes time and randomness from where it runs. */
export const nodeEnvironment: Environment = {
  random: () => Math.random(),
  sleep: (delayMs, signal) =>
    sleep(Math.min(delayMs, SLEEP_MS_MAX), undefined, signal && { signal }),
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  newId: () => randomUUID(),
};
