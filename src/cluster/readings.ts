import { createBaseline } from '../observability/metrics.js';
import type { MetricFamily } from '../observability/metric-family.js';
import {
  type MergedCounts,
  type Reading,
  mergeResilience,
} from '../observability/merge-resilience.js';
import { type CountedBy, mergeFamilies, countsOnly } from '../observability/merge-families.js';
import type { Clock, Timers } from '../system.js';
import type { WorkerProcess } from './worker-processes.js';

/** A frozen worker must not keep a scrape waiting: after this time its last reading counts. */
const READING_WAIT_MS = 500;
/** If a worker is killed, what it counted since its last reading is lost. */
const READ_EVERY_MS = 1_000;

/** A serving worker and its place. */
export interface Reader {
  readonly place: number;
  readonly process: WorkerProcess;
}

/** The counts of all workers, including those that have ended: a sum never decreases. */
export interface Readings {
  /** Reads the counts of all serving workers. */
  read(): Promise<MergedCounts>;
  reset(): Promise<MergedCounts>;
  taken(worker: Reader, reading: Reading): void;
  ended(worker: Reader): void;
  stop(): void;
}

export function createReadings(deps: {
  readonly clock: Clock;
  readonly timers: Timers;
  /** The workers that serve at present. */
  readonly workers: () => readonly Reader[];
  /** The counts of the primary itself. */
  readonly own: () => readonly MetricFamily[];
}): Readings {
  const { clock, timers, workers, own } = deps;
  const baseline = createBaseline(clock);
  /** The last reading of each living worker, by its number. */
  const latest = new Map<number, CountedBy & Reading>();
  let gone: readonly MetricFamily[] = [];
  /** Workers whose reading has not arrived yet. */
  let missing = new Set<number>();
  let underWay: { readonly over: Promise<void>; readonly end: () => void } | undefined;
  let next: Promise<void> | undefined;
  let cancelReading = timers.after(READ_EVERY_MS, readOn);

  /** A reading in progress may contain counts older than this call, so another one follows it. */
  function readAll(): Promise<void> {
    if (underWay === undefined) return begin();
    next ??= underWay.over.then(() => {
      next = undefined;
      return begin();
    });
    return next;
  }

  function begin(): Promise<void> {
    const asked = workers();
    if (asked.length === 0) return Promise.resolve();
    missing = new Set(asked.map(({ process }) => process.id));
    let end!: () => void;
    const over = new Promise<void>((resolve) => (end = resolve)).finally(cancelWhenOver());
    underWay = { over, end };
    for (const { process } of asked) process.send({ kind: 'read' });
    return over;
  }

  function cancelWhenOver(): () => void {
    const cancel = timers.after(READING_WAIT_MS, () => underWay?.end());
    return () => {
      cancel();
      underWay = undefined;
    };
  }

  function noMore(id: number): void {
    if (missing.delete(id) && missing.size === 0) underWay?.end();
  }

  function readOn(): void {
    void readAll().finally(() => (cancelReading = timers.after(READ_EVERY_MS, readOn)));
  }

  function everCounted(): MetricFamily[] {
    const primary = { place: 'primary', families: own() };
    return mergeFamilies([{ place: '', families: gone }, ...latest.values(), primary]);
  }

  function present(): MergedCounts {
    const resilience = mergeResilience([...latest.values()].map((each) => each.resilience));
    return { ...baseline.since(everCounted()), resilience };
  }

  return {
    async read() {
      await readAll();
      return present();
    },
    async reset() {
      await readAll();
      baseline.reset(everCounted());
      return present();
    },
    taken({ place, process }, reading) {
      latest.set(process.id, { place: String(place), ...reading });
      noMore(process.id);
    },
    ended({ process }) {
      const last = latest.get(process.id);
      latest.delete(process.id);
      if (last !== undefined) {
        const counts = { place: last.place, families: countsOnly(last.families) };
        gone = mergeFamilies([{ place: '', families: gone }, counts]);
      }
      noMore(process.id);
    },
    stop: () => cancelReading(),
  };
}
