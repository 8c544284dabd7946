import type { Random, Timers } from '../system.js';

/** The longest wait between two attempts, in ms. */
const DELAY_MS_MAX = 60_000;

export interface RetryPolicy {
  /** The longest wait after the first failure, in ms; it doubles with every further failure. */
  readonly baseMs: number;
  /** How often a failed task is retried; 0: never. */
  readonly times: number;
}

export interface FailedAttempt {
  readonly error: unknown;
  /** 1: the first attempt. */
  readonly attempt: number;
  /** The wait before the next attempt, in ms. */
  readonly delayMs: number;
}

export interface RetryOptions {
  /** Whether another attempt may succeed; by default always true. */
  readonly retryable?: (error: unknown) => boolean;
  readonly onRetry?: (failed: FailedAttempt) => void;
  /** Ends the retries: the promise rejects with the last error. */
  readonly signal?: AbortSignal;
}

/** Resolves with the result of the task, or rejects with the error of its last attempt. */
export type Retry = <T>(task: () => Promise<T>, options?: RetryOptions) => Promise<T>;

/** Only for tasks that are safe to repeat; the sync of a log is not. */
export function createRetry(
  { baseMs, times }: RetryPolicy,
  { timers, random }: { readonly timers: Timers; readonly random: Random },
): Retry {
  /**
   * Exponential backoff with "equal jitter": half of the wait is fixed, so that a failing disk or
   * peer gets its pause, and half is random, so that what failed together does not retry together
   * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
   */
  function delayAfter(attempt: number): number {
    const whole = Math.min(DELAY_MS_MAX, baseMs * 2 ** (attempt - 1));
    return Math.round((whole * (1 + random.next())) / 2);
  }

  return async (task, { retryable = () => true, onRetry, signal } = {}) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await task();
      } catch (error) {
        if (attempt > times || signal?.aborted === true || !retryable(error)) throw error;
        const delayMs = delayAfter(attempt);
        onRetry?.({ error, attempt, delayMs });
        if (!(await waited(timers, delayMs, signal))) throw error;
      }
    }
  };
}

/** True after the delay, false as soon as the signal aborts. */
function waited(
  timers: Timers,
  delayMs: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = timers.after(delayMs, () => end(true));
    signal?.addEventListener('abort', callOff);
    function callOff(): void {
      cancel();
      end(false);
    }
    function end(inTime: boolean): void {
      signal?.removeEventListener('abort', callOff);
      resolve(inTime);
    }
  });
}
