import type { RecordTime } from '../domain/stock.js';
import type { DeadLetter, DiscardNote, StoreShare } from './central-aggregate.js';

/** The result of one run over all sources. */
export interface SyncRun {
  /** Events folded. */
  readonly applied: number;
  /** Dead letters opened. */
  readonly deadLettered: number;
  readonly checkpoint: number;
  readonly durationMs: number;
  /** Sources that could not be read to their end, with the reason. */
  readonly failures: readonly { readonly source: string; readonly detail: string }[];
}

/**
 * - `ok`: the last run read it to its end.
 * - `failing`: the last run did not; a later one may.
 * - `other-data`: other data answers under this name; none of it is folded.
 */
export type SourceState = 'ok' | 'failing' | 'other-data';

export interface SourceStatus {
  readonly name: string;
  /** Undefined: the log of this node. */
  readonly url: string | undefined;
  readonly nodeId: string | undefined;
  readonly state: SourceState;
  readonly breaker: 'closed' | 'open' | 'half-open';
  readonly sequence: number;
  readonly at: RecordTime | undefined;
  readonly ageMs: number | undefined;
  /** Events that the source had when it was last read and that are not folded. */
  readonly lag: number;
  readonly deadLetters: number;
  readonly lastError: string | undefined;
}

export interface SyncStatus {
  /** The periodic timer is on. */
  readonly running: boolean;
  readonly intervalMs: number;
  readonly sources: readonly SourceStatus[];
  /** The sum of the sources' sequences; of one source, its sequence. */
  readonly checkpoint: number;
  readonly lag: number;
  readonly lastRunAt: RecordTime | undefined;
  readonly lastError: string | undefined;
  readonly deadLetters: number;
}

/** Plain numbers since the start, for metrics. */
export interface SyncStatistics {
  readonly running: boolean;
  readonly runs: number;
  readonly failedRuns: number;
  readonly eventsFolded: number;
  readonly linesFolded: number;
  readonly duplicatesSkipped: number;
  readonly lettersOpened: number;
  readonly lettersOpen: number;
  readonly records: number;
  readonly lag: number;
  readonly lastRunDurationMs: number;
  readonly sources: readonly {
    readonly name: string;
    readonly sequence: number;
    readonly lag: number;
    readonly ageMs: number | undefined;
    readonly up: boolean;
  }[];
}

/** Control of the sync worker. */
export interface SyncControl {
  /** Runs now, even past open breakers; joins a run in progress. */
  runNow(): Promise<SyncRun>;
  status(): SyncStatus;
  statistics(): SyncStatistics;
  /** Turns the timer on, or changes its interval. */
  start(intervalMs?: number): void;
  /** Turns the timer off; resolves when the run in progress has ended. */
  stop(): Promise<void>;
}

/** What an operator can do about dead letters. */
export interface DeadLetterDesk {
  list(page: { readonly after: string | undefined; readonly limit: number }): readonly DeadLetter[];
  /**
   * One attempt to fold it. Resolves with the letter afterwards, `null` if it is folded, and
   * undefined if there is no such letter. Rejects with UnavailableError if its source or the disk
   * cannot be reached.
   */
  retry(id: string): Promise<DeadLetter | null | undefined>;
  /** Gives up the letter's events; false: there is no such letter. */
  discard(id: string, note: DiscardNote): Promise<boolean>;
}

export interface CentralSku {
  readonly shares: readonly (StoreShare & { readonly isDoubtful: boolean })[];
  readonly asOf: {
    readonly sequence: number;
    readonly at: RecordTime | undefined;
    readonly sources: readonly SourceAsOf[];
  };
  readonly lag: number;
}

export interface SourceAsOf {
  readonly name: string;
  readonly sequence: number;
  readonly at: RecordTime | undefined;
  readonly ageMs: number | undefined;
  readonly isDoubtful: boolean;
}

/** All parts of the central view, for the HTTP layer. */
export interface CentralView {
  readonly worker: SyncControl;
  readonly desk: DeadLetterDesk;
  readonly queries: CentralQueries;
}

/** How far the fold must have come. */
export interface Wanted {
  /** Sequence of the source; if none is named, the sum over all sources. */
  readonly minSequence: number;
  readonly source?: string | undefined;
  readonly waitMs: number;
}

export interface CentralQueries {
  /** Whether there is a source of this name. */
  knows(source: string): boolean;
  /**
   * One SKU over all stores. Waits up to `waitMs` until the fold has come as far as wanted, else
   * rejects with UnavailableError 'aggregate-behind'.
   */
  sku(sku: string, wanted: Wanted): Promise<CentralSku>;
}
