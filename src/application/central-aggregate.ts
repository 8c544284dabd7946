import type { CentralRecord, UnfoldableReason } from '../domain/aggregate.js';
import type { StockName } from '../domain/keys.js';
import type { RecordTime } from '../domain/stock.js';

/** How far the log of one source is folded. */
export interface SourceProgress {
  readonly name: string;
  /** The data that the source had when it was first met; undefined: it was not met yet. */
  readonly nodeId: string | undefined;
  /** Everything up to here is folded or in a dead letter; 0: nothing is. */
  readonly sequence: number;
  /** The source had nothing else at this time; undefined: it was not met yet. */
  readonly at: RecordTime | undefined;
  /** What the event at `sequence` says, as a digest; undefined: that is not known. */
  readonly digest: string | undefined;
}

/** Why an event is set aside; besides what the fold says, what the feed of its source lacks. */
export type DeadLetterReason = UnfoldableReason | 'unreadable' | 'sequence-gap';

/** Events of one source that could not be folded, kept for a person: they are in no total. */
export interface DeadLetter {
  /** By its source and first sequence: the same event makes the same letter. */
  readonly id: string;
  readonly source: string;
  readonly sequence: number;
  /** Of a gap its last missing sequence, else the same. */
  readonly lastSequence: number;
  readonly type: string | undefined;
  readonly reason: DeadLetterReason;
  readonly detail: string;
  /** What it is about, as far as that can be read: doubtful while the letter is open. */
  readonly records: readonly LetterRecord[];
  readonly attempts: number;
  readonly firstAttemptAt: RecordTime;
  readonly lastAttemptAt: RecordTime;
  /** What came, cut to a bounded length; undefined: nothing did. */
  readonly received: string | undefined;
}

export interface LetterRecord extends StockName {
  readonly version: number | undefined;
}

/** What becomes of a letter; every change is kept for good. */
export interface LetterChange {
  readonly kind: 'opened' | 'tried' | 'folded' | 'discarded' | 'dropped';
  readonly at: RecordTime;
  /** As it is from now on, or was at its end. */
  readonly letter: DeadLetter;
  /** Of one that is discarded: why, and by which request. */
  readonly note?: DiscardNote;
}

export interface DiscardNote {
  readonly reason: string;
  readonly requestId: string;
}

/** One step of one source: all of it is kept, or nothing. */
export interface AggregateCommit {
  readonly progress: SourceProgress;
  /** Records of this source as they are from now on. */
  readonly records: readonly CentralRecord[];
  readonly letters: readonly LetterChange[];
}

export interface StoreShare {
  readonly source: string;
  readonly record: CentralRecord;
}

/** What is committed, and so what anybody is told. */
export interface CentralReads {
  progressOf(source: string): SourceProgress | undefined;
  record(source: string, name: StockName): CentralRecord | undefined;
  /** Every store that has this SKU, by source, then by store. */
  sharesOf(sku: string): readonly StoreShare[];
  letter(id: string): DeadLetter | undefined;
  /** Up to `limit` open letters in the order of their ids, behind `after`. */
  letters(page: {
    readonly after: string | undefined;
    readonly limit: number;
  }): readonly DeadLetter[];
  /** The open letters of this source that name the record. */
  lettersAbout(source: string, name: StockName): readonly DeadLetter[];
  /** Whether an open letter of this source names no record: then any of its records may be wrong. */
  isInDoubt(source: string): boolean;
  letterCount(source?: string): number;
  recordCount(): number;
}

/**
 * Where the central picture lives. It can be made again from the logs of its sources at any time,
 * except for what was discarded. All drivers pass one contract suite.
 */
export interface AggregateRepository extends CentralReads {
  /**
   * Resolves when all of it is durable and to be seen. Rejects with UnavailableError
   * 'storage-unavailable' when nothing of it is, and never will be. Commits of several sources may
   * overlap; those of one source must not.
   */
  commit(commit: AggregateCommit): Promise<void>;
  /** Forgets all sources but these, with their records; their letters are kept as dropped. */
  retainSources(names: readonly string[], at: RecordTime): Promise<readonly string[]>;
  /** Waits for what is under way, and lets go of the files. */
  close(): Promise<void>;
}
