import type { AggregateRepository } from '../application/central-aggregate.js';
import type { SyncControl, SyncRun } from '../application/sync-control.js';
import type { RecordTime } from '../domain/stock.js';
import type { Clock, Timers } from '../system.js';
import type { Pulled } from './source-follower.js';
import type { SourceRunner } from './source-runner.js';
import type { SyncCounts } from './sync-counts.js';
import { createSyncReport } from './sync-report.js';

export interface SyncWorkerDeps {
  readonly runners: readonly SourceRunner[];
  readonly aggregate: AggregateRepository;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly now: () => RecordTime;
  readonly intervalMs: number;
  readonly counts: SyncCounts;
  /** Called first when the worker closes. */
  readonly onClosing: () => void;
}

export interface SyncWorker extends SyncControl {
  /** Starts a run soon, for a waiting query; does nothing while the timer is off. */
  nudge(): void;
  /** Called after every run. */
  onRunEnded(listener: () => void): void;
  /** Runs a last time if the timer is on, for at most `graceMs`; none starts afterwards. */
  close(graceMs: number): Promise<void>;
}

/**
 * Runs over all sources periodically, and on request. A source is never read twice at the same
 * time: a new run joins a source's run in progress, so that a source that does not answer holds up
 * no other.
 */
export function createSyncWorker(deps: SyncWorkerDeps): SyncWorker {
  const { runners, timers, clock, counts } = deps;
  const listeners: (() => void)[] = [];
  let intervalMs = deps.intervalMs;
  let cancelTick: (() => void) | undefined;
  let lastRunAt: RecordTime | undefined;
  let cancelNudge: (() => void) | undefined;
  let closed = false;
  const report = createSyncReport(deps);

  function cancelTimers(): void {
    cancelTick?.();
    cancelNudge?.();
    cancelTick = cancelNudge = undefined;
  }

  function tick(): void {
    cancelTick = timers.after(intervalMs, tick);
    void run('timer');
  }

  /** One run over all sources; joins the runs of sources that are being read. */
  async function run(mode: 'timer' | 'manual' | 'last'): Promise<SyncRun> {
    const startedAt = clock.monotonicMs();
    lastRunAt = deps.now();
    const outcomes = await Promise.allSettled(runners.map((runner) => runner.run(mode)));
    const durationMs = Math.round(clock.monotonicMs() - startedAt);
    const failed = outcomes.filter(({ status }) => status === 'rejected');
    const pulled = outcomes.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    counts.runs += 1;
    if (failed.length > 0) counts.failedRuns += 1;
    counts.lastRunDurationMs = durationMs;
    for (const listener of listeners) listener();
    const failures = runners.flatMap(({ name }, index) =>
      outcomes[index]?.status === 'rejected'
        ? [{ source: name, detail: report.errorOf(name) ?? '' }]
        : [],
    );
    return {
      applied: sum(pulled, ({ applied }) => applied),
      deadLettered: sum(pulled, ({ deadLettered }) => deadLettered),
      checkpoint: report.checkpoint(),
      durationMs,
      failures,
    };
  }

  return {
    runNow: () => run('manual'),
    status: () => report.status({ running: cancelTick !== undefined, intervalMs, lastRunAt }),
    statistics: () => report.statistics(cancelTick !== undefined),
    start(interval = intervalMs) {
      if (closed) return;
      intervalMs = interval;
      cancelTick?.();
      cancelTick = timers.after(intervalMs, tick);
    },
    async stop() {
      cancelTimers();
      await Promise.all(runners.map((runner) => runner.idle()));
    },
    nudge() {
      if (cancelNudge !== undefined || cancelTick === undefined) return;
      cancelNudge = timers.after(0, () => {
        cancelNudge = undefined;
        void run('timer');
      });
    },
    onRunEnded: (listener) => void listeners.push(listener),
    async close(graceMs) {
      closed = true;
      const wasRunning = cancelTick !== undefined;
      cancelTimers();
      deps.onClosing();
      const cancelEnd = timers.after(graceMs, () => {
        for (const runner of runners) runner.abort();
      });
      for (const runner of runners) runner.hurry();
      await Promise.all(runners.map((runner) => runner.idle()));
      if (wasRunning) await run('last');
      cancelEnd();
    },
  };
}

function sum(pulled: readonly Pulled[], of: (one: Pulled) => number): number {
  return pulled.reduce((total, one) => total + of(one), 0);
}
