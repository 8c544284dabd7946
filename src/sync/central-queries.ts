import type { AggregateRepository } from '../application/central-aggregate.js';
import type { CentralQueries, CentralSku, Wanted } from '../application/sync-control.js';
import { UnavailableError } from '../domain/errors.js';
import type { RecordTime } from '../domain/stock.js';
import type { Timers } from '../system.js';
import type { SourceRunner } from './source-runner.js';
import { ageOf } from './sync-report.js';
import type { SyncWorker } from './sync-worker.js';

/** How often another run is requested while a query waits, in ms. */
const NUDGE_MS = 50;
/** How many queries may wait at the same time. */
const WAITING_MAX = 1_000;
const BEHIND_RETRY_MS = 1_000;

export interface CentralQueriesDeps {
  readonly aggregate: AggregateRepository;
  readonly runners: readonly SourceRunner[];
  readonly worker: Pick<SyncWorker, 'nudge' | 'onRunEnded'>;
  readonly timers: Timers;
  readonly now: () => RecordTime;
}

export interface WaitingQueries extends CentralQueries {
  /** Rejects all waiting queries now with 'aggregate-behind'. */
  stopWaiting(): void;
}

interface Waiting {
  readonly wanted: Wanted;
  readonly end: (came: boolean) => void;
}

export function createCentralQueries(deps: CentralQueriesDeps): WaitingQueries {
  const { aggregate, runners, worker, timers, now } = deps;
  const waiting = new Set<Waiting>();
  let asking = false;

  const folded = (): number =>
    runners.reduce((total, { follower }) => total + follower.progress.sequence, 0);

  function isThere({ minSequence, source }: Wanted): boolean {
    if (source === undefined) return folded() >= minSequence;
    const runner = runners.find(({ name }) => name === source);
    return (runner?.follower.progress.sequence ?? 0) >= minSequence;
  }

  worker.onRunEnded(() => {
    for (const each of waiting) if (isThere(each.wanted)) each.end(true);
  });

  /** Nudges the worker repeatedly while any query waits. */
  function keepAsking(): void {
    if (asking || waiting.size === 0) return;
    asking = true;
    worker.nudge();
    timers.after(NUDGE_MS, () => {
      asking = false;
      keepAsking();
    });
  }

  async function waitFor(wanted: Wanted): Promise<boolean> {
    const { waitMs } = wanted;
    if (isThere(wanted)) return true;
    if (waitMs === 0 || waiting.size >= WAITING_MAX) return false;
    return await new Promise((resolve) => {
      const cancel = timers.after(waitMs, () => each.end(false));
      const each: Waiting = {
        wanted,
        end(came) {
          cancel();
          waiting.delete(each);
          resolve(came);
        },
      };
      waiting.add(each);
      keepAsking();
    });
  }

  function skuNow(sku: string): CentralSku {
    const at = now();
    const sources = runners.map(({ name, follower }) => ({
      name,
      sequence: follower.progress.sequence,
      at: follower.completeAt,
      ageMs: ageOf(follower.completeAt, at),
      isDoubtful: aggregate.isInDoubt(name),
    }));
    return {
      shares: aggregate.sharesOf(sku).map(({ source, record }) => {
        const isDoubtful = aggregate.lettersAbout(source, record).length > 0;
        return { source, record, isDoubtful };
      }),
      asOf: { sequence: folded(), at: oldest(sources), sources },
      lag: runners.reduce((total, { follower }) => total + follower.lag, 0),
    };
  }

  return {
    knows: (source) => runners.some(({ name }) => name === source),
    async sku(sku, wanted) {
      if (await waitFor(wanted)) return skuNow(sku);
      throw new UnavailableError('aggregate-behind', BEHIND_RETRY_MS);
    },
    stopWaiting() {
      for (const each of waiting) each.end(false);
    },
  };
}

/** The view is as old as its oldest source. */
function oldest(sources: readonly { readonly at: RecordTime | undefined }[]) {
  const times = sources.map(({ at }) => at);
  if (times.some((at) => at === undefined)) return undefined;
  return Math.min(...times.map((at) => at ?? 0));
}
