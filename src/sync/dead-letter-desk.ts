import type { AggregateRepository, DeadLetter } from '../application/central-aggregate.js';
import type { DeadLetterDesk } from '../application/sync-control.js';
import { UnavailableError } from '../domain/errors.js';
import type { StockName } from '../domain/keys.js';
import type { RecordTime } from '../domain/stock.js';
import { withoutUpTo, withoutVersion } from '../domain/version-gaps.js';
import type { SourceItem } from './event-source.js';
import { FoldDraft } from './fold-draft.js';
import { type Objection, triedLetter } from './letters.js';
import type { SourceFollower } from './source-follower.js';

/** Events of a gap that are read at once. */
const PAGE_EVENTS = 1_000;
/** Pages of a gap that one retry folds; the next retry goes on from there. */
const RETRY_PAGES_MAX = 100;
/** The Retry-After when the source cannot be read, in ms. */
const UNREACHABLE_RETRY_MS = 5_000;

export interface DeskDeps {
  readonly aggregate: AggregateRepository;
  readonly followerOf: (source: string) => SourceFollower | undefined;
  readonly now: () => RecordTime;
  readonly onError: (source: string, error: unknown) => void;
  /** Aborted when the service stops: retries then end after the page they are at. */
  readonly closing: AbortSignal;
}

export function createDeadLetterDesk(deps: DeskDeps): DeadLetterDesk {
  const { aggregate, now, closing } = deps;

  /** Runs `task` exclusively with the letter as it is now; undefined: there is no such letter. */
  async function withLetter<T>(
    id: string,
    task: (letter: DeadLetter, follower: SourceFollower) => Promise<T>,
  ): Promise<T | undefined> {
    const follower = deps.followerOf(aggregate.letter(id)?.source ?? '');
    return await follower?.alone(async () => {
      const letter = aggregate.letter(id);
      return letter && (await task(letter, follower));
    });
  }

  function draftOf({ progress }: SourceFollower): FoldDraft {
    return new FoldDraft(progress, (key) => aggregate.record(progress.name, key));
  }

  async function itemsFor(
    { source, sequence, lastSequence }: DeadLetter,
    follower: SourceFollower,
  ): Promise<readonly SourceItem[]> {
    const limit = Math.min(PAGE_EVENTS, lastSequence - sequence + 1);
    try {
      const page = await follower.read(sequence - 1, limit, closing);
      return page.items;
    } catch (error) {
      deps.onError(source, error);
      const options = { cause: error };
      throw new UnavailableError('aggregate-behind', UNREACHABLE_RETRY_MS, options);
    }
  }

  /** Folds one page of the letter; `over`: it is folded, or cannot be folded further. */
  async function attempt(
    letter: DeadLetter,
    follower: SourceFollower,
  ): Promise<{ readonly letter: DeadLetter; readonly over: boolean; readonly names: StockName[] }> {
    const items = await itemsFor(letter, follower);
    const draft = draftOf(follower);
    const names: StockName[] = [];
    let { sequence } = letter;
    let item: SourceItem | undefined;
    let objection: Objection | undefined;
    for (const next of items) {
      item = next.sequence === undefined || next.sequence === sequence ? next : undefined;
      objection = objectionTo(item, draft);
      if (objection !== undefined) break;
      for (const { storeId, sku } of item?.event?.lines ?? []) names.push({ storeId, sku });
      sequence += 1;
      item = undefined;
    }
    const at = now();
    if (sequence > letter.lastSequence) {
      draft.note({ kind: 'folded', at, letter });
      await follower.commit(draft, closing);
      return { letter, over: true, names };
    }
    const isPart = objection === undefined && items.length > 0;
    objection ??= { reason: 'sequence-gap', detail: `event ${sequence} is missing in the feed` };
    const tried = triedLetter(letter, { objection, item, at, sequence });
    draft.note({ kind: 'tried', at, letter: tried });
    await follower.commit(draft, closing);
    return { letter: tried, over: !isPart, names };
  }

  /** Resolves with the letter afterwards; null: it is folded. */
  async function fold(first: DeadLetter, follower: SourceFollower): Promise<DeadLetter | null> {
    const names = new Map<string, StockName>();
    let tried = { letter: first, over: false };
    for (let pages = 0; !tried.over && pages < RETRY_PAGES_MAX; pages += 1) {
      if (closing.aborted) throw new UnavailableError('shutting-down', UNREACHABLE_RETRY_MS);
      const next = await attempt(tried.letter, follower);
      for (const each of next.names) names.set(`${each.storeId}/${each.sku}`, each);
      tried = next;
    }
    // What became of this letter is committed, whatever becomes of those behind it.
    await foldWaiting(first.source, names.values(), follower).catch((error: unknown) => {
      if (!(error instanceof UnavailableError)) throw error;
    });
    return aggregate.letter(first.id) ?? null;
  }

  /** Retries letters of these records that lacked an earlier version: it may be folded now. */
  async function foldWaiting(
    source: string,
    names: Iterable<StockName>,
    follower: SourceFollower,
  ): Promise<void> {
    const waiting = new Set<string>();
    for (const name of names) {
      for (const { id, reason } of aggregate.lettersAbout(source, name)) {
        if (reason === 'version-gap') waiting.add(id);
      }
    }
    for (const id of [...waiting].sort(bySequence)) {
      const letter = aggregate.letter(id);
      if (letter !== undefined) await attempt(letter, follower);
    }
  }

  return {
    list: (page) => aggregate.letters(page),
    retry: (id) => withLetter(id, fold),
    async discard(id, note) {
      const done = await withLetter(id, async (letter, follower) => {
        const draft = draftOf(follower);
        for (const { storeId, sku, version } of letter.records) {
          const record = draft.lookup({ storeId, sku });
          if (version === undefined || record === undefined) continue;
          // A letter that names no record may still bring any version before this one.
          const gaps = aggregate.isInDoubt(letter.source)
            ? withoutVersion(record.gaps, version)
            : withoutUpTo(record.gaps, version, awaitedByOthers(letter, record));
          draft.put({ ...record, gaps });
        }
        draft.note({ kind: 'discarded', at: now(), letter, note });
        await follower.commit(draft);
        return true;
      });
      return done ?? false;
    },
  };

  /** Versions of the record that other open letters may still fold. */
  function awaitedByOthers({ id, source }: DeadLetter, name: StockName): ReadonlySet<number> {
    const others = aggregate.lettersAbout(source, name).filter((other) => other.id !== id);
    const same = others.flatMap(({ records }) =>
      records.filter(({ storeId, sku }) => storeId === name.storeId && sku === name.sku),
    );
    return new Set(same.flatMap(({ version }) => version ?? []));
  }
}

function objectionTo(item: SourceItem | undefined, draft: FoldDraft): Objection | undefined {
  if (item === undefined) return { reason: 'sequence-gap', detail: 'the event is missing' };
  if (item.event === undefined) return { reason: 'unreadable', detail: item.detail };
  return draft.fold(item.event);
}

function bySequence(one: string, other: string): number {
  return (
    Number(one.slice(one.lastIndexOf('-') + 1)) - Number(other.slice(other.lastIndexOf('-') + 1))
  );
}
