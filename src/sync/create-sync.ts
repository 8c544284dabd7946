import type { AggregateRepository } from '../application/central-aggregate.js';
import type { DeadLetterDesk } from '../application/sync-control.js';
import type { RecordTime } from '../domain/stock.js';
import { createBackgroundShare } from '../resilience/background-share.js';
import type { Bulkhead } from '../resilience/bulkhead.js';
import type { CircuitBreaker } from '../resilience/circuit-breaker.js';
import type { Retry } from '../resilience/retry.js';
import type { System } from '../system.js';
import { type WaitingQueries, createCentralQueries } from './central-queries.js';
import { createDeadLetterDesk } from './dead-letter-desk.js';
import type { EventSource } from './event-source.js';
import { createSourceFollower } from './source-follower.js';
import { createSourceRunner } from './source-runner.js';
import { createSyncCounts } from './sync-counts.js';
import { type SyncWorker, createSyncWorker } from './sync-worker.js';

export interface SyncDeps {
  readonly sources: readonly EventSource[];
  readonly aggregate: AggregateRepository;
  readonly system: Pick<System, 'clock' | 'timers'>;
  /** The present record time. */
  readonly now: () => RecordTime;
  readonly intervalMs: number;
  /** How often an event that cannot be folded is tried again before it is set aside. */
  readonly retryTimes: number;
  readonly retry: Retry;
  readonly bulkhead: Bulkhead;
  readonly breakerFor: (source: string) => CircuitBreaker;
  /** A source began to fail, or fails in another way; undefined: it has recovered. */
  readonly onError: (source: string, error: unknown) => void;
}

export interface Sync {
  readonly worker: SyncWorker;
  readonly desk: DeadLetterDesk;
  readonly queries: WaitingQueries;
}

/** The central view of some sources; nothing runs until the worker is started or told to run. */
export function createSync(deps: SyncDeps): Sync {
  const { aggregate, now, retry, bulkhead, onError } = deps;
  const { clock, timers } = deps.system;
  const counts = createSyncCounts();
  const ownerOf = createOwners(deps);
  const runners = deps.sources.map((source) => {
    const follower = createSourceFollower({
      source,
      aggregate,
      now,
      retry,
      bulkhead,
      counts,
      ownerOf,
      share: createBackgroundShare({ clock, timers }),
      looksMax: deps.retryTimes + 1,
    });
    return createSourceRunner({ follower, breaker: deps.breakerFor(source.name), onError });
  });
  const { intervalMs } = deps;
  const closing = new AbortController();
  const worker = createSyncWorker({
    runners,
    aggregate,
    clock,
    timers,
    now,
    intervalMs,
    counts,
    onClosing: () => closing.abort(),
  });
  return {
    worker,
    queries: createCentralQueries({ aggregate, runners, worker, timers, now }),
    desk: createDeadLetterDesk({
      aggregate,
      now,
      onError,
      closing: closing.signal,
      followerOf: (source) => runners.find(({ name }) => name === source)?.follower,
    }),
  };
}

/** Two names for one node, by mistake or alias, would count all its units twice. */
function createOwners({ sources, aggregate }: Pick<SyncDeps, 'sources' | 'aggregate'>) {
  const owners = new Map<string, string>();
  const ownerOf = (nodeId: string, asking: string): string => {
    const owner = owners.get(nodeId) ?? asking;
    owners.set(nodeId, owner);
    return owner;
  };
  for (const { name } of sources) {
    const nodeId = aggregate.progressOf(name)?.nodeId;
    if (nodeId !== undefined) ownerOf(nodeId, name);
  }
  return ownerOf;
}
