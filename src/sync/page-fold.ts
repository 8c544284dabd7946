import type { RecordTime } from '../domain/stock.js';
import type { BackgroundShare } from '../resilience/background-share.js';
import type { SyncCounts } from './sync-counts.js';
import type { SourceItem, SourcePage } from './event-source.js';
import type { FoldDraft } from './fold-draft.js';
import { type Objection, letterOf } from './letters.js';

/** Lines folded before the share of time is looked at: well below a millisecond of work. */
const SLICE_LINES = 200;

/** Some of a page cannot be folded, and is to be tried again. */
export class PoisonError extends Error {
  override readonly name = 'PoisonError';
}

/** How often events of one source that cannot be folded were tried. */
export interface Looks {
  /** By sequence. */
  readonly bySequence: Map<number, { attempts: number; readonly firstAt: RecordTime }>;
  /** Objections that another look cannot change; retries were spent on each once in this run. */
  readonly hopeless: Set<string>;
}

export interface PageFoldDeps {
  readonly source: string;
  readonly now: () => RecordTime;
  readonly share: BackgroundShare;
  /** After this many looks an event is set aside. */
  readonly looksMax: number;
  readonly counts: SyncCounts;
}

/**
 * Folds a page into the draft, up to its end or until `signal` aborts. If an event cannot be folded
 * and has looks left, the draft stops before it; the rest is looked at in a fork, and the promise
 * rejects with PoisonError: the same page is to be read again, later.
 */
export async function foldPage(
  deps: PageFoldDeps,
  page: SourcePage,
  { draft, looks, signal }: { draft: FoldDraft; looks: Looks; signal: AbortSignal },
): Promise<void> {
  const { counts } = deps;
  let current = draft;
  // An upper bound for event times: the clock of a source may be ahead.
  const readAt = deps.now();
  let lines = 0;
  deps.share.resume();

  /** Sets the item aside in the draft, or in a fork that only serves to look at the rest. */
  function object(objection: Objection, item: SourceItem | undefined, last: number): void {
    const at = deps.now();
    const look = lookAt(looks, current.sequence + 1, at);
    if (look.attempts < deps.looksMax && !looks.hopeless.has(objection.detail)) {
      if (current === draft) current = draft.fork();
    } else if (isHopeless(objection)) looks.hopeless.add(objection.detail);
    const range = { first: current.sequence + 1, last };
    current.open(letterOf({ source: deps.source, range, objection, item, look, at }));
    current.advance(last);
  }

  for (const item of page.items) {
    const expected = current.sequence + 1;
    const sequence = item.sequence === undefined ? expected : item.sequence;
    if (sequence < expected) {
      counts.duplicatesSkipped += 1;
      continue;
    }
    if (sequence > page.head) {
      object({ reason: 'unreadable', detail: 'its sequence is beyond the log' }, item, expected);
      continue;
    }
    if (sequence > expected) object(gapUpTo(expected, sequence - 1), undefined, sequence - 1);
    if (item.event === undefined) {
      object({ reason: 'unreadable', detail: item.detail }, item, sequence);
      continue;
    }
    const objection = current.fold(item.event);
    if (objection !== undefined) {
      object(objection, item, sequence);
      continue;
    }
    current.advance(sequence);
    current.reach(Math.min(item.event.at, readAt));
    lines += 1 + item.event.lines.length;
    if (lines < SLICE_LINES) continue;
    lines = 0;
    await deps.share.yieldTurn();
    if (signal.aborted) break;
  }
  if (current !== draft) throw new PoisonError('something in a page cannot be folded');
}

function lookAt(looks: Looks, sequence: number, at: RecordTime) {
  const known = looks.bySequence.get(sequence) ?? { attempts: 0, firstAt: at };
  known.attempts += 1;
  looks.bySequence.set(sequence, known);
  return known;
}

/** This version can never read more out of the same bytes. */
function isHopeless({ reason }: Objection): boolean {
  return reason === 'unknown-type' || reason === 'unknown-schema';
}

function gapUpTo(first: number, last: number): Objection {
  const what = first === last ? `event ${first} is` : `events ${first} to ${last} are`;
  return { reason: 'sequence-gap', detail: `${what} missing in the feed` };
}
