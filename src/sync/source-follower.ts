import { hash } from 'node:crypto';
import { Mutex } from 'async-mutex';
import type { AggregateRepository, SourceProgress } from '../application/central-aggregate.js';
import type { AggregateEvent } from '../domain/aggregate.js';
import { UnavailableError } from '../domain/errors.js';
import type { RecordTime } from '../domain/stock.js';
import type { Bulkhead } from '../resilience/bulkhead.js';
import type { Retry } from '../resilience/retry.js';
import type { EventSource, SourceItem, SourcePage } from './event-source.js';
import { FoldDraft } from './fold-draft.js';
import { type Looks, type PageFoldDeps, PoisonError, foldPage } from './page-fold.js';
import { OtherDataError, SourceError } from './source-error.js';

/** How many events are asked for at once: by the own log, and by another node. */
const LOG_EVENTS = 200;
const FEED_EVENTS = 1_000;
/** A commit of so many records takes about a millisecond to write down. */
const COMMIT_WEIGHT_MAX = 4_096;
/** After so many events a crash would cost more than a sync. */
const COMMIT_EVENTS_MAX = 20_000;
/** With more letters than this of one source, something is wrong that no letter can tell. */
const LETTERS_MAX = 10_000;
const DIGEST_CHARACTERS = 16;

export interface FollowerDeps extends Omit<PageFoldDeps, 'source'> {
  readonly source: EventSource;
  readonly aggregate: AggregateRepository;
  readonly retry: Retry;
  /** Whose data this node has: the first that was met with it, or the one that asks. */
  readonly ownerOf: (nodeId: string, asking: string) => string;
  /** A slot is held for one page, not while a source is waited for. */
  readonly bulkhead: Bulkhead;
}

export interface Pulled {
  readonly applied: number;
  readonly deadLettered: number;
}

export interface PullOptions {
  /** Ends it: what is folded by then is kept. */
  readonly signal: AbortSignal;
  /** Ends the waiting between attempts. */
  readonly hurry: AbortSignal;
  /** Whether a source that cannot be read is asked again. */
  readonly patient: boolean;
}

/** One source, and how far it is folded. What is done to one source is done one after the other. */
export interface SourceFollower {
  readonly source: EventSource;
  /** Folds and commits up to where the source stood at the beginning. */
  pull(options: PullOptions): Promise<Pulled>;
  /** A page of this very source's data. */
  read(after: number, limit: number, signal: AbortSignal): Promise<SourcePage>;
  alone<T>(task: () => Promise<T>): Promise<T>;
  commit(draft: FoldDraft, hurry?: AbortSignal): Promise<void>;
  readonly progress: SourceProgress;
  /** The source had nothing that is not folded at this time; undefined: it was never met. */
  readonly completeAt: RecordTime | undefined;
  /** Events that it is known to have and that are not folded. */
  readonly lag: number;
}

export function createSourceFollower(deps: FollowerDeps): SourceFollower {
  const { source, aggregate, retry, bulkhead, counts } = deps;
  const { name } = source;
  const mutex = new Mutex();
  const isRemote = source.url !== undefined;
  const limit = isRemote ? FEED_EVENTS : LOG_EVENTS;
  let completeAt = progressNow().at;
  let head = progressNow().sequence;

  function progressNow(): SourceProgress {
    const unmet = { name, nodeId: undefined, sequence: 0, at: undefined, digest: undefined };
    return aggregate.progressOf(name) ?? unmet;
  }

  async function read(after: number, count: number, signal: AbortSignal): Promise<SourcePage> {
    const page = await bulkhead.run(() => source.read(after, count, signal));
    const { nodeId, sequence } = progressNow();
    if (nodeId !== undefined && page.nodeId !== nodeId) {
      throw new OtherDataError(`node ${page.nodeId} answers, what was folded is of ${nodeId}`);
    }
    const owner = deps.ownerOf(page.nodeId, name);
    if (owner !== name) throw new OtherDataError(`it answers with the data of source ${owner}`);
    if (page.head < sequence) {
      throw new OtherDataError('the log of the source ends before what was folded of it');
    }
    head = page.head;
    return page;
  }

  /**
   * The first page of a run begins with the event that was folded last: a node that was set back to a
   * copy of its directory has the same name, and, when it has written on, another event in that place.
   */
  async function readOn(from: SourceProgress, signal: AbortSignal): Promise<SourcePage> {
    const { sequence, digest } = from;
    if (!isRemote || digest === undefined) return await read(sequence, limit, signal);
    const page = await read(sequence - 1, limit, signal);
    const known = page.items.find((item) => item.sequence === sequence);
    // What cannot be read now could be read then: it says nothing of the data.
    if (known?.event === undefined) return await read(sequence, limit, signal);
    if (digestOf(known.event) !== digest) {
      throw new OtherDataError(`its event ${sequence} is not the one that was folded`);
    }
    return { ...page, items: page.items.filter((item) => item !== known) };
  }

  async function commit(draft: FoldDraft, hurry?: AbortSignal): Promise<void> {
    await retry(() => aggregate.commit(draft.content), {
      retryable: (error) => error instanceof UnavailableError && error.code !== 'shutting-down',
      ...(hurry !== undefined && { signal: hurry }),
    });
    draft.clear();
    reached(draft.progress.at);
  }

  function reached(at: RecordTime | undefined): void {
    if (at !== undefined && at > (completeAt ?? 0)) completeAt = at;
  }

  async function pullAll({ signal, hurry, patient }: PullOptions): Promise<Pulled> {
    const draft = new FoldDraft(progressNow(), (key) => aggregate.record(name, key));
    const looks: Looks = { bySequence: new Map(), hopeless: new Set() };
    let began = deps.now();
    let emptyPages = 0;
    const pulled = { applied: 0, deadLettered: 0 };
    let target: number | undefined;

    function isNew({ sequence }: SourceItem): boolean {
      return sequence === undefined || sequence > draft.sequence;
    }

    async function readNext(): Promise<SourcePage> {
      if (target !== undefined) return await read(draft.sequence, limit, signal);
      began = deps.now();
      return await readOn(draft.progress, signal);
    }

    async function step(): Promise<void> {
      const page = await retry(readNext, {
        retryable: (error) => patient && isPassing(error),
        signal: hurry,
      });
      // An event may become durable between the page and what it says of the log's end.
      emptyPages = page.items.some(isNew) ? 0 : emptyPages + 1;
      if (emptyPages > 1 && page.head > draft.sequence) {
        throw new SourceError(
          'the source says that it has more events, and sends none that is new',
        );
      }
      target ??= page.head;
      draft.meet(page.nodeId);
      try {
        await foldPage({ ...deps, source: name }, page, { draft, looks, signal });
        const last = page.items.findLast(({ sequence }) => sequence === draft.sequence);
        if (isRemote && last?.event !== undefined) draft.knowBy(digestOf(last.event));
      } catch (error) {
        // What comes before it need not wait with it.
        await keep();
        throw error;
      }
    }

    async function keep(): Promise<void> {
      const isComplete = target !== undefined && draft.sequence >= target;
      if (isComplete) draft.reach(began);
      if (draft.isChanged) {
        const { applied, linesApplied, deadLettered } = draft;
        await commit(draft, hurry);
        pulled.applied += applied;
        pulled.deadLettered += deadLettered;
        counts.eventsFolded += applied;
        counts.linesFolded += linesApplied;
        counts.lettersOpened += deadLettered;
      } else if (isComplete) reached(began);
    }

    try {
      while (!signal.aborted && (target === undefined || draft.sequence < target)) {
        assertRoomForLetters(draft);
        await retry(step, { retryable: (error) => error instanceof PoisonError, signal: hurry });
        if (draft.weight >= COMMIT_WEIGHT_MAX || draft.applied >= COMMIT_EVENTS_MAX) await keep();
      }
    } finally {
      await keep();
    }
    return pulled;
  }

  function assertRoomForLetters(draft: FoldDraft): void {
    if (aggregate.letterCount(name) + draft.deadLettered < LETTERS_MAX) return;
    throw new SourceError(`${LETTERS_MAX} dead letters of the source are open`);
  }

  return {
    source,
    read,
    commit,
    alone: (task) => mutex.runExclusive(task),
    pull: (options) => mutex.runExclusive(() => pullAll(options)),
    get progress() {
      return progressNow();
    },
    get completeAt() {
      return completeAt;
    },
    get lag() {
      return Math.max(0, (source.headNow?.() ?? head) - progressNow().sequence);
    },
  };
}

/** What another attempt in a moment may get over. */
function isPassing(error: unknown): boolean {
  return error instanceof SourceError && !(error instanceof OtherDataError);
}

/** Of what every version reads of an event: another version must find the same. */
function digestOf({ at, lines }: AggregateEvent): string {
  const said = lines.map(({ storeId, sku, version, onHandDelta, reservedDelta }) => [
    ...[storeId, sku, version, onHandDelta, reservedDelta],
  ]);
  return hash('sha256', JSON.stringify([at, said]), 'base64url').slice(0, DIGEST_CHARACTERS);
}
