import type { AggregateRepository } from '../application/central-aggregate.js';
import type { SourceStatus, SyncStatistics, SyncStatus } from '../application/sync-control.js';
import type { RecordTime } from '../domain/stock.js';
import type { SourceRunner } from './source-runner.js';
import type { SyncCounts } from './sync-counts.js';

/** Status and statistics of the worker. */
export interface SyncReport {
  status(timer: {
    readonly running: boolean;
    readonly intervalMs: number;
    readonly lastRunAt: RecordTime | undefined;
  }): SyncStatus;
  statistics(running: boolean): SyncStatistics;
  checkpoint(): number;
  errorOf(source: string): string | undefined;
}

export function createSyncReport(deps: {
  readonly runners: readonly SourceRunner[];
  readonly aggregate: AggregateRepository;
  readonly now: () => RecordTime;
  readonly counts: SyncCounts;
}): SyncReport {
  const { runners, aggregate, now, counts } = deps;

  function sourceStatus({ name, follower, breaker, state, lastError }: SourceRunner): SourceStatus {
    const { source, progress, completeAt, lag } = follower;
    return {
      name,
      url: source.url,
      nodeId: progress.nodeId,
      state,
      breaker: breaker.state,
      sequence: progress.sequence,
      at: completeAt,
      ageMs: ageOf(completeAt, now()),
      lag,
      deadLetters: aggregate.letterCount(name),
      lastError,
    };
  }

  const checkpoint = (): number =>
    runners.reduce((total, { follower }) => total + follower.progress.sequence, 0);
  const lag = (): number => runners.reduce((total, { follower }) => total + follower.lag, 0);

  return {
    checkpoint,
    errorOf: (source) => runners.find(({ name }) => name === source)?.lastError,
    status: (timer) => ({
      ...timer,
      sources: runners.map(sourceStatus),
      checkpoint: checkpoint(),
      lag: lag(),
      lastError: runners.find(({ lastError }) => lastError !== undefined)?.lastError,
      deadLetters: aggregate.letterCount(),
    }),
    statistics: (running) => ({
      running,
      ...counts,
      lettersOpen: aggregate.letterCount(),
      records: aggregate.recordCount(),
      lag: lag(),
      sources: runners.map(({ name, state, follower }) => ({
        name,
        sequence: follower.progress.sequence,
        lag: follower.lag,
        ageMs: ageOf(follower.completeAt, now()),
        up: state === 'ok',
      })),
    }),
  };
}

/** In ms. */
export function ageOf(at: RecordTime | undefined, now: RecordTime): number | undefined {
  return at === undefined ? undefined : Math.max(0, now - at);
}
