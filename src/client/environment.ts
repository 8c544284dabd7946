import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the client needs besides HTTP; tests pass their own. */
export interface Environment {
  /** Uniform in [0, 1). */
  random(): number;
  /** Resolves after `delayMs`; rejects with the signal's reason if it is aborted. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<unknown>;
  /** Milliseconds that never go back. */
  monotonicMs(): number;
  /** Milliseconds since 1970. */
  wallMs(): number;
  /** Unique, for idempotency keys. */
  newId(): string;
}

/** The longest delay of a timer, which would not wait at all for a longer one. */
export const DELAY_MS_MAX = 2 ** 31 - 1;

/** The real one: the only file of the client that reads clocks and makes random values. */
export const nodeEnvironment: Environment = {
  random: () => Math.random(),
  async sleep(delayMs, signal) {
    try {
      await sleep(Math.min(delayMs, DELAY_MS_MAX), undefined, signal && { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  newId: () => randomUUID(),
};
