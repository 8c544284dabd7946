import type { RecordTime } from '../domain/stock.js';
import type { DeadLetter, DiscardNote, StoreShare } from './central-aggregate.js';

/** What came of one run over all sources. */
export interface SyncRun {
  /** Events that were folded. */
  readonly applied: number;
  /** Letters that were opened. */
  readonly deadLettered: number;
  readonly checkpoint: number;
  readonly durationMs: number;
  /** Sources that could not be read to their end, each with the reason. */
  readonly failures: readonly { readonly source: string; readonly detail: string }[];
}

/**
 * - `ok`: the last run reached it.
 * - `failing`: it did not; another one may.
 * - `other-data`: other data answers under this name; nothing of it is folded.
 */
export type SourceState = 'ok' | 'failing' | 'other-data';

export interface SourceStatus {
  readonly name: string;
  /** Undefined: the own log. */
  readonly url: string | undefined;
  readonly nodeId: string | undefined;
  readonly state: SourceState;
  readonly breaker: 'closed' | 'open' | 'half-open';
  readonly sequence: number;
  readonly at: RecordTime | undefined;
  readonly ageMs: number | undefined;
  /** Events that the source was known to have when it was last met, and that are not folded. */
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

/** Plain numbers since the start, for whoever exports them. */
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

/** The worker, for those who drive it. */
export interface SyncControl {
  /** One run now, past open breakers, too; a run in progress is joined. */
  runNow(): Promise<SyncRun>;
  status(): SyncStatus;
  statistics(): SyncStatistics;
  /** Turns the timer on, or changes its interval. */
  start(intervalMs?: number): void;
  /** Turns the timer off; resolves when the run in progress has ended. */
  stop(): Promise<void>;
}

/** What a person does about dead letters. */
export interface DeadLetterDesk {
  list(page: { readonly after: string | undefined; readonly limit: number }): readonly DeadLetter[];
  /**
   * One attempt to fold it; resolves with the letter as it is then, `null` where it is folded, and
   * undefined where there is no such letter. Rejects with UnavailableError where its source, or
   * the disk, cannot be reached.
   */
  retry(id: string): Promise<DeadLetter | null | undefined>;
  /** Gives the event up; false: there is no such letter. */
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

/** All of it, for the edge. */
export interface CentralView {
  readonly worker: SyncControl;
  readonly desk: DeadLetterDesk;
  readonly queries: CentralQueries;
}

/** How far the fold must be. */
export interface Wanted {
  /** Of the source; where none is named, of all sources together. */
  readonly minSequence: number;
  readonly source?: string | undefined;
  readonly waitMs: number;
}

export interface CentralQueries {
  /** Whether there is a source of this name. */
  knows(source: string): boolean;
  /**
   * One SKU over all stores. It waits up to `waitMs` until as much is folded as is wanted, else it
   * rejects with UnavailableError 'aggregate-behind'.
   */
  sku(sku: string, wanted: Wanted): Promise<CentralSku>;
}
