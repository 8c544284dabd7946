import type { Clock, Timers } from '../system.js';
import type { Started, ToPrimary } from './messages.js';
import type { StartWorker, WorkerProcess } from './worker-processes.js';

/** A worker that served for this long was healthy: its end does not count as a failure. */
const STEADY_MS = 10_000;
const RESTART_AFTER_MS = 100;
const RESTART_AFTER_MS_MAX = 10_000;
/** The primary gives up after this many failed starts in a row while no worker serves. */
const FAILED_STARTS_MAX = 6;
/** Time for a worker's last steps after its grace: a fold of the central view, a last turn. */
const END_WAIT_MS = 15_000;
/** Exit code of a process whose storage can no longer keep its promises. */
const STORAGE_FAILED = 74;

/** A worker in its place; when it ends, another one takes the place. */
export interface Serving {
  readonly place: number;
  readonly process: WorkerProcess;
}

/** A worker that has ended, and how. */
export interface Ended extends Serving {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface SupervisorDeps {
  readonly count: number;
  readonly startWorker: StartWorker;
  readonly clock: Clock;
  readonly timers: Timers;
  /** How long a worker may take for requests in flight when it is told to stop, in ms. */
  readonly graceMs: number;
  readonly onMessage: (worker: Serving, message: ToPrimary) => void;
  readonly onServing: (worker: Serving, started: Started) => void;
  /** `restartAfterMs` undefined: the place stays empty. */
  readonly onEnded: (ended: Ended, restartAfterMs: number | undefined) => void;
  /** Called when all workers are told to end, with the reason. */
  readonly onStopping: (why: string) => void;
}

export interface Supervisor {
  readonly serving: readonly Serving[];
  /** Tells all workers to end. */
  stop(): void;
  /** Kills all workers. */
  kill(): void;
  /** Resolves with the exit code of the primary when no worker is left. */
  readonly over: Promise<number>;
}

interface Place {
  readonly number: number;
  process: WorkerProcess | undefined;
  servingSinceMs: number | undefined;
  /** Consecutive ends without steady service. */
  failures: number;
  cancelRestart: () => void;
}

/**
 * Keeps `count` workers running. The first one opens the directory; if it exits (unless killed by a
 * signal) before it serves, everything ends. The others join it. Nothing depends on noticing the
 * end of a worker: the kernel releases its locks to the others.
 */
export function createSupervisor(deps: SupervisorDeps): Supervisor {
  const { clock, timers } = deps;
  const places = Array.from({ length: deps.count }, (_, index) => emptyPlace(index + 1));
  let endedWith: number | undefined;
  let isStopping = false;
  let failedStarts = 0;
  let hasServed = false;
  let finish!: (code: number) => void;
  const over = new Promise<number>((resolve) => (finish = resolve));

  function launch(place: Place): void {
    if (isStopping) return;
    const worker = deps.startWorker({
      onMessage(message) {
        if (message.kind === 'ready') nowServing(place, worker, message.started);
        else deps.onMessage({ place: place.number, process: worker }, message);
      },
      onEnd: (code, signal) => ended(place, { process: worker, code, signal }),
    });
    place.process = worker;
  }

  function nowServing(place: Place, process: WorkerProcess, started: Started): void {
    place.servingSinceMs = clock.monotonicMs();
    failedStarts = 0;
    deps.onServing({ place: place.number, process }, started);
    if (hasServed) return;
    hasServed = true;
    for (const other of places) if (other !== place) launch(other);
  }

  function ended(place: Place, { process, code, signal }: Omit<Ended, 'place'>): void {
    const { servingSinceMs } = place;
    place.process = undefined;
    place.servingSinceMs = undefined;
    if (servingSinceMs === undefined) failedStarts += 1;
    const wasSteady =
      servingSinceMs !== undefined && clock.monotonicMs() - servingSinceMs > STEADY_MS;
    place.failures = wasSteady ? 0 : place.failures + 1;
    if (code === STORAGE_FAILED) {
      stop('storage can keep no further promise', STORAGE_FAILED);
    } else if (isStopping) {
      if (code !== 0 && servingSinceMs !== undefined) endWith(code ?? 1);
    } else if (!hasServed && code !== null) {
      // It has reported why, and the next one would fail likewise.
      stop('the first worker cannot start', code === 0 ? 1 : code);
    } else if (failedStarts >= FAILED_STARTS_MAX && serving().length === 0) {
      stop('no worker can start', code ?? 1);
    }
    const restartAfterMs = isStopping ? undefined : delayAfter(place.failures);
    deps.onEnded({ place: place.number, process, code, signal }, restartAfterMs);
    if (restartAfterMs !== undefined) {
      place.cancelRestart = timers.after(restartAfterMs, () => launch(place));
    }
    finishIfOver();
  }

  /** A storage failure outranks any other code. */
  function endWith(code: number): void {
    if (endedWith === undefined || code === STORAGE_FAILED) endedWith = code;
  }

  function stop(why: string, code?: number): void {
    if (code !== undefined) endWith(code);
    if (isStopping) return;
    isStopping = true;
    deps.onStopping(why);
    for (const { process, cancelRestart } of places) {
      cancelRestart();
      process?.signal('SIGTERM');
    }
    const cancel = timers.after(deps.graceMs + END_WAIT_MS, () => {
      endWith(1);
      kill();
    });
    void over.then(cancel);
    finishIfOver();
  }

  function kill(): void {
    for (const { process } of places) process?.signal('SIGKILL');
  }

  function finishIfOver(): void {
    if (isStopping && places.every(({ process }) => process === undefined)) finish(endedWith ?? 0);
  }

  function serving(): Serving[] {
    return places.flatMap(({ number, process, servingSinceMs }) =>
      process === undefined || servingSinceMs === undefined ? [] : [{ place: number, process }],
    );
  }

  const [first] = places;
  if (first !== undefined) launch(first);
  return {
    get serving() {
      return serving();
    },
    stop: () => stop('asked to'),
    kill,
    over,
  };
}

function emptyPlace(number: number): Place {
  return {
    number,
    process: undefined,
    servingSinceMs: undefined,
    failures: 0,
    cancelRestart: () => undefined,
  };
}

function delayAfter(failures: number): number {
  if (failures === 0) return 0;
  return Math.min(RESTART_AFTER_MS_MAX, RESTART_AFTER_MS * 2 ** (failures - 1));
}
