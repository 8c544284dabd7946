import { UnavailableError } from '../../domain/errors.js';
import type { Clock } from '../../system.js';
import { StorageFatalError } from './errors.js';
import { errorCode } from './file-system.js';

/** After a write that found no room, the next one is tried this much later at the earliest. */
const RETRY_AFTER_MS = 1_000;

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
  /** Ends everything, whoever it was that found out. */
  die(error: unknown): void;
  readonly dead: boolean;
  /** Resolves when it has died. */
  readonly death: Promise<void>;
}

export interface WriteGuardDeps {
  readonly clock: Clock;
  /** The process must end: nothing may be acknowledged any more. Called once. */
  readonly onFatal: (error: unknown) => void;
  /** Writes are refused from now on (an error), or taken again (undefined). */
  readonly onWritable: (problem: unknown) => void;
}

export function createWriteGuard({ clock, onFatal, onWritable }: WriteGuardDeps): WriteGuard {
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

  return {
    die,
    death,
    get dead() {
      return dead;
    },
    async run(task) {
      let failure: UnavailableError | undefined;
      try {
        await task();
      } catch (error) {
        if (error instanceof StorageFatalError || errorCode(error) === undefined) die(error);
        else if (!dead) failure = refuse(error);
      }
      if (dead) await new Promise<never>(() => undefined);
      if (failure !== undefined) throw failure;
      if (refusing) onWritable(undefined);
      refusing = false;
    },
    assertWritable() {
      if (refusing && clock.monotonicMs() < retryAt) {
        throw new UnavailableError('storage-unavailable', RETRY_AFTER_MS);
      }
    },
  };
}
