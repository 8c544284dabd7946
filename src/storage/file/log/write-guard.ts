import { UnavailableError } from '../../../domain/errors.js';
import { type CircuitBreaker, REFUSED } from '../../../resilience/circuit-breaker.js';
import type { Clock } from '../../../system.js';
import { StorageFatalError } from '../disk/errors.js';
import { errorCode } from '../disk/file-system.js';

/** After a failed write, the next one is tried this much later at the earliest. */
const RETRY_AFTER_MS = 1_000;

/** The permit used without a breaker: any value but REFUSED. */
const UNGUARDED = 1;

/** Separates errors after which writes may be retried from those that must end the process. */
export interface WriteGuard {
  /**
   * Runs `task`. After a system error (such as no room) it rejects with UnavailableError
   * 'storage-unavailable'. A failed sync, or a defect of ours, is fatal: this promise and all later
   * ones never settle, so that nothing can be acknowledged. `isProbe`: an attempt of our own, whose
   * failure must not open the breaker for the next write of a client.
   */
  run(task: () => Promise<void>, isProbe?: boolean): Promise<void>;
  /** Throws UnavailableError while it is too early for the next attempt. */
  assertWritable(): void;
  /** Whether the last attempt succeeded; true before the first. */
  readonly takesWrites: boolean;
  /** Treats an error found outside `run` as fatal. */
  die(error: unknown): void;
  readonly dead: boolean;
  /** Resolves after a fatal error. */
  readonly death: Promise<void>;
}

export interface WriteGuardDeps {
  readonly clock: Clock;
  /** Spares a disk that keeps failing for longer; omitted by a caller that has its own. */
  readonly breaker?: CircuitBreaker;
  /** The process must end without another acknowledgement. Called once. */
  readonly onFatal: (error: unknown) => void;
  /** Writes are refused from now on (an error), or accepted again (undefined). */
  readonly onWritable: (problem: unknown) => void;
}

export function createWriteGuard({
  clock,
  breaker,
  onFatal,
  onWritable,
}: WriteGuardDeps): WriteGuard {
  let retryAt = 0;
  let refusing = false;
  let dead = false;
  let announceDeath!: () => void;
  const death = new Promise<void>((resolve) => {
    announceDeath = resolve;
  });

  function die(error: unknown): void {
    if (dead) return;
    dead = true;
    onFatal(error);
    announceDeath();
  }

  function refuse(error: unknown): UnavailableError {
    if (!refusing) onWritable(error);
    refusing = true;
    retryAt = clock.monotonicMs() + RETRY_AFTER_MS;
    return new UnavailableError('storage-unavailable', RETRY_AFTER_MS, { cause: error });
  }

  /** While half-open the breaker has no deadline, but its probe ends soon. */
  function leftAlone(): UnavailableError {
    const waitMs = breaker?.state === 'open' ? breaker.retryAfterMs() : RETRY_AFTER_MS;
    return new UnavailableError('storage-unavailable', waitMs);
  }

  return {
    die,
    death,
    get dead() {
      return dead;
    },
    get takesWrites() {
      return !refusing;
    },
    async run(task, isProbe = false) {
      const counted = isProbe && breaker?.state === 'closed' ? undefined : breaker;
      const permit = counted?.enter() ?? UNGUARDED;
      if (permit === REFUSED) throw leftAlone();
      let failure: UnavailableError | undefined;
      try {
        await task();
      } catch (error) {
        if (error instanceof StorageFatalError || errorCode(error) === undefined) die(error);
        else if (!dead) failure = refuse(error);
      }
      if (dead) await new Promise<never>(() => undefined);
      counted?.leave(permit, failure === undefined);
      if (failure !== undefined) throw failure;
      if (refusing) onWritable(undefined);
      refusing = false;
    },
    assertWritable() {
      if ((breaker?.retryAfterMs() ?? 0) > 0) throw leftAlone();
      if (refusing && clock.monotonicMs() < retryAt) {
        throw new UnavailableError('storage-unavailable', RETRY_AFTER_MS);
      }
    },
  };
}
