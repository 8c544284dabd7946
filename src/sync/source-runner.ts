import type { SourceState } from '../application/sync-control.js';
import { BreakerOpenError, type CircuitBreaker } from '../resilience/circuit-breaker.js';
import { UnavailableError } from '../domain/errors.js';
import type { Pulled, SourceFollower } from './source-follower.js';
import { OtherDataError, SourceError } from './source-error.js';

/** One source under its breaker; concurrent runs are joined. */
export interface SourceRunner {
  readonly name: string;
  readonly follower: SourceFollower;
  readonly breaker: CircuitBreaker;
  readonly state: SourceState;
  readonly lastError: string | undefined;
  /** Joins a run in progress; rejects if the source could not be read to its end. */
  run(mode: 'timer' | 'manual' | 'last'): Promise<Pulled>;
  /** Resolves when no run is in progress. */
  idle(): Promise<void>;
  /** Ends the waits between attempts, now and in future runs. */
  hurry(): void;
  /** Ends the run in progress. */
  abort(): void;
}

export interface RunnerDeps {
  readonly follower: SourceFollower;
  readonly breaker: CircuitBreaker;
  /** Called for a failure that differs from the last one, and (undefined) for the recovery. */
  readonly onError: (source: string, error: unknown) => void;
}

export function createSourceRunner({ follower, breaker, onError }: RunnerDeps): SourceRunner {
  const { name } = follower.source;
  const stopWaiting = new AbortController();
  const stopNow = new AbortController();
  let underWay: Promise<Pulled> | undefined;
  let state: SourceState = 'ok';
  let lastError: string | undefined;

  async function pull(mode: 'timer' | 'manual' | 'last'): Promise<Pulled> {
    const patient = mode !== 'last' && breaker.state === 'closed';
    const task = () =>
      follower.pull({ signal: stopNow.signal, hurry: stopWaiting.signal, patient });
    try {
      const pulled = await (mode === 'manual' ? breaker.probe(task) : breaker.run(task));
      // An aborted run says nothing about the source.
      if (stopNow.signal.aborted) return pulled;
      if (lastError !== undefined) onError(name, undefined);
      state = 'ok';
      lastError = undefined;
      return pulled;
    } catch (error) {
      if (!(error instanceof BreakerOpenError)) note(error);
      throw error;
    }
  }

  function note(error: unknown): void {
    const said = inOurWords(error);
    if (said !== lastError) onError(name, error);
    lastError = said;
    state = error instanceof OtherDataError ? 'other-data' : 'failing';
  }

  return {
    name,
    follower,
    breaker,
    get state() {
      return state;
    },
    get lastError() {
      return lastError;
    },
    run(mode) {
      underWay ??= pull(mode).finally(() => (underWay = undefined));
      return underWay;
    },
    async idle() {
      await underWay?.catch(() => undefined);
    },
    hurry: () => stopWaiting.abort(),
    abort: () => stopNow.abort(),
  };
}

function inOurWords(error: unknown): string {
  if (error instanceof SourceError) return error.message;
  if (error instanceof UnavailableError) return `it cannot be stored (${error.code})`;
  return 'it failed; the log of the service says how';
}
