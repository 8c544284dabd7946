import type { CentralRecord, UnfoldableReason } from '../domain/aggregate.js';
import type { StockName } from '../domain/keys.js';
import type { RecordTime } from '../domain/stock.js';

/** How far the log of a source is folded. */
export interface SourceProgress {
  readonly name: string;
  /** The node id of the source's data when it was first read; undefined: never read yet. */
  readonly nodeId: string | undefined;
  /** Every event up to this one is folded or in a dead letter; 0: none is. */
  readonly sequence: number;
  /** A time at which the source had no event after `sequence`; undefined: never read yet. */
  readonly at: RecordTime | undefined;
  /** Digest of the event at `sequence`; undefined: unknown. */
  readonly digest: string | undefined;
}

/** Why an event is set aside: what the fold objects to, or a defect of the source's feed. */
export type DeadLetterReason = UnfoldableReason | 'unreadable' | 'sequence-gap';

/** Events of one source that could not be folded, kept for an operator; they are in no total. */
export interface DeadLetter {
  /** Made of the source and its first sequence: the same event gets the same letter. */
  readonly id: string;
  readonly source: string;
  readonly sequence: number;
  /** The last missing sequence of a gap; else the same as `sequence`. */
  readonly lastSequence: number;
  readonly type: string | undefined;
  readonly reason: DeadLetterReason;
  readonly detail: string;
  /** The records it concerns, as far as readable: they are doubtful while the letter is open. */
  readonly records: readonly LetterRecord[];
  readonly attempts: number;
  readonly firstAttemptAt: RecordTime;
  readonly lastAttemptAt: RecordTime;
  /** What was received, truncated to a bounded length; undefined: nothing was. */
  readonly received: string | undefined;
}

export interface LetterRecord extends StockName {
  readonly version: number | undefined;
}

/** A change of a letter; every change is kept for good. */
export interface LetterChange {
  readonly kind: 'opened' | 'tried' | 'folded' | 'discarded' | 'dropped';
  readonly at: RecordTime;
  /** The letter after the change, or as it was when it was closed. */
  readonly letter: DeadLetter;
  /** Why and by which request it was discarded. */
  readonly note?: DiscardNote;
}

export interface DiscardNote {
  readonly reason: string;
  readonly requestId: string;
}

/** One step of one source; atomic. */
export interface AggregateCommit {
  readonly progress: SourceProgress;
  /** The changed records of this source, with their new values. */
  readonly records: readonly CentralRecord[];
  readonly letters: readonly LetterChange[];
}

export interface StoreShare {
  readonly source: string;
  readonly record: CentralRecord;
}

/** Reads of the committed state, the only state that is shown. */
export interface CentralReads {
  progressOf(source: string): SourceProgress | undefined;
  record(source: string, name: StockName): CentralRecord | undefined;
  /** The records of this SKU in all stores, by source, then by store. */
  sharesOf(sku: string): readonly StoreShare[];
  letter(id: string): DeadLetter | undefined;
  /** Up to `limit` open letters after `after`, in id order. */
  letters(page: {
    readonly after: string | undefined;
    readonly limit: number;
  }): readonly DeadLetter[];
  /** The open letters of this source that name the record. */
  lettersAbout(source: string, name: StockName): readonly DeadLetter[];
  /** Whether an open letter of this source names no record, so that any record may be wrong. */
  isInDoubt(source: string): boolean;
  letterCount(source?: string): number;
  recordCount(): number;
}

/**
 * Storage of the central view. It can be rebuilt from the logs of its sources at any time, except
 * for decisions to discard. All drivers pass one contract suite.
 */
export interface AggregateRepository extends CentralReads {
  /**
   * Resolves when the whole commit is durable and visible. Rejects with UnavailableError
   * 'storage-unavailable' when nothing of it is, or ever will be. Commits of different sources may
   * overlap; those of one source must not.
   */
  commit(commit: AggregateCommit): Promise<void>;
  /** Drops all sources but these, with their records; keeps their letters as dropped. */
  retainSources(names: readonly string[], at: RecordTime): Promise<readonly string[]>;
  /** Waits for commits in progress, and closes the files. */
  close(): Promise<void>;
}
