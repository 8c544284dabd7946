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

/** Events per page: of the own log, and of another node's feed. */
const LOG_EVENTS = 200;
const FEED_EVENTS = 1_000;
/** A commit of this many records takes about a millisecond to write. */
const COMMIT_WEIGHT_MAX = 4_096;
/** After this many events, folding again after a crash would cost more than a sync. */
const COMMIT_EVENTS_MAX = 20_000;
/** With this many open letters of one source, the fault lies beyond single events. */
const LETTERS_MAX = 10_000;
const DIGEST_CHARACTERS = 16;

export interface FollowerDeps extends Omit<PageFoldDeps, 'source'> {
  readonly source: EventSource;
  readonly aggregate: AggregateRepository;
  readonly retry: Retry;
  /** The source that owns the data of this node id: the first that had it, or the one asking. */
  readonly ownerOf: (nodeId: string, asking: string) => string;
  /** A slot is held for the read of one page, not during the wait before a retry. */
  readonly bulkhead: Bulkhead;
}

export interface Pulled {
  readonly applied: number;
  readonly deadLettered: number;
}

export interface PullOptions {
  /** Ends the pull; what is folded by then is committed. */
  readonly signal: AbortSignal;
  /** Ends the waits between attempts. */
  readonly hurry: AbortSignal;
  /** Whether a failed read is retried. */
  readonly patient: boolean;
}

/** One source, and how far it is folded. Tasks on one source run one after the other. */
export interface SourceFollower {
  readonly source: EventSource;
  /** Folds and commits up to the head that the source had at the beginning. */
  pull(options: PullOptions): Promise<Pulled>;
  /** Reads a page, and rejects with OtherDataError if it is not of this source's data. */
  read(after: number, limit: number, signal: AbortSignal): Promise<SourcePage>;
  alone<T>(task: () => Promise<T>): Promise<T>;
  commit(draft: FoldDraft, hurry?: AbortSignal): Promise<void>;
  readonly progress: SourceProgress;
  /** A time at which the source had no unfolded event; undefined: it was never read. */
  readonly completeAt: RecordTime | undefined;
  /** Events that the source is known to have and that are not folded. */
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
   * The first page of a run begins with the event that was folded last: a node that was reset to a
   * copy of its directory has the same id but, once it has written on, another event at that
   * sequence.
   */
  async function readOn(from: SourceProgress, signal: AbortSignal): Promise<SourcePage> {
    const { sequence, digest } = from;
    if (!isRemote || digest === undefined) return await read(sequence, limit, signal);
    const page = await read(sequence - 1, limit, signal);
    const known = page.items.find((item) => item.sequence === sequence);
    // It was readable when it was folded: unreadable now, it says nothing about the data.
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
    counts.eventsFolded += draft.applied;
    counts.linesFolded += draft.linesApplied;
    counts.lettersOpened += draft.deadLettered;
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
      // An event may become durable after the page was read and before its head was.
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
        // What was folded before the failure need not wait for a retry.
        await keep();
        throw error;
      }
    }

    async function keep(): Promise<void> {
      const isComplete = target !== undefined && draft.sequence >= target;
      if (isComplete) draft.reach(began);
      if (draft.isChanged) {
        const { applied, deadLettered } = draft;
        await commit(draft, hurry);
        pulled.applied += applied;
        pulled.deadLettered += deadLettered;
      } else if (isComplete) reached(began);
    }

    try {
      while (!signal.aborted && (target === undefined || draft.sequence < target)) {
        assertRoomForLetters(draft);
        const before = draft.sequence;
        try {
          await retry(step, { retryable: (error) => error instanceof PoisonError, signal: hurry });
        } catch (error) {
          // What used up its looks is set aside; what came into view behind it has looks left.
          if (!(error instanceof PoisonError) || hurry.aborted || draft.sequence === before)
            throw error;
        }
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

/** Whether the error may be gone at another attempt. */
function isPassing(error: unknown): boolean {
  return error instanceof SourceError && !(error instanceof OtherDataError);
}

/** Covers only what every version reads of an event: other versions must get the same digest. */
function digestOf({ at, lines }: AggregateEvent): string {
  const said = lines.map(({ storeId, sku, version, onHandDelta, reservedDelta }) => [
    ...[storeId, sku, version, onHandDelta, reservedDelta],
  ]);
  return hash('sha256', JSON.stringify([at, said]), 'base64url').slice(0, DIGEST_CHARACTERS);
}
