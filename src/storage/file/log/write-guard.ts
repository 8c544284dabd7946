import { UnavailableError } from '../../../domain/errors.js';
import { type CircuitBreaker, REFUSED } from '../../../resilience/circuit-breaker.js';
import type { Clock } from '../../../system.js';
import { StorageFatalError } from '../disk/errors.js';
import { errorCode } from '../disk/file-system.js';

/** After a write that found no room, the next one is tried this much later at the earliest. */
const RETRY_AFTER_MS = 1_000;

/** The permit of who has no breaker: any but REFUSED. */
const UNGUARDED = 1;

/** Tells the errors that one lives with from those that one must die of. */
export interface WriteGuard {
  /**
   * Runs `task`. An error of the system (no room, say) rejects with UnavailableError
   * 'storage-unavailable'. A failed sync, or a defect of ours, ends everything: this promise and
   * all that come after it never settle, so that nothing can be acknowledged.
   */
  run(task: () => Promise<void>): Promise<void>;
  /** Throws UnavailableError while the next attempt would be too early. */
  assertWritable(): void;
  /** Whether the last attempt went well; true before the first. */
  readonly takesWrites: boolean;
  /** Ends everything, whoever it was that found out. */
  die(error: unknown): void;
  readonly dead: boolean;
  /** Resolves when it has died. */
  readonly death: Promise<void>;
}

export interface WriteGuardDeps {
  readonly clock: Clock;
  /** Leaves a disk that goes on failing alone for longer; none where the caller has its own. */
  readonly breaker?: CircuitBreaker;
  /** The process must end: nothing may be acknowledged any more. Called once. */
  readonly onFatal: (error: unknown) => void;
  /** Writes are refused from now on (an error), or taken again (undefined). */
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

  /** A probe that is under way is over soon. */
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
    async run(task) {
      const permit = breaker?.enter() ?? UNGUARDED;
      if (permit === REFUSED) throw leftAlone();
      let failure: UnavailableError | undefined;
      try {
        await task();
      } catch (error) {
        if (error instanceof StorageFatalError || errorCode(error) === undefined) die(error);
        else if (!dead) failure = refuse(error);
      }
      if (dead) await new Promise<never>(() => undefined);
      breaker?.leave(permit, failure === undefined);
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
