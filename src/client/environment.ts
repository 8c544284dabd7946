import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the client needs besides HTTP; tests pass their own. */
export interface Environment {
  /** Uniform in [0, 1). */
  random(): number;
  /** Resolves after `delayMs`; rejects if the signal aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<unknown>;
  /** Milliseconds that never go back. */
  monotonicMs(): number;
  /** Milliseconds since 1970. */
  wallMs(): number;
  /** Unique, for idempotency keys. */
  newId(): string;
}

/** The longest delay of setTimeout, which would not wait at all for a longer one. */
const SLEEP_MS_MAX = 2 ** 31 - 1;

/** The real one: the only file of the client that reads clocks and makes random values. */
export const nodeEnvironment: Environment = {
  random: () => Math.random(),
  sleep: (delayMs, signal) =>
    sleep(Math.min(delayMs, SLEEP_MS_MAX), undefined, signal && { signal }),
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  newId: () => randomUUID(),
};
