import type {
  AggregateCommit,
  DeadLetter,
  LetterChange,
  SourceProgress,
} from '../application/central-aggregate.js';
import {
  type AggregateEvent,
  type CentralLookup,
  type CentralRecord,
  type Unfoldable,
  foldEvent,
  setAside,
} from '../domain/aggregate.js';
import { CentralRecords } from '../domain/central-records.js';
import type { RecordTime } from '../domain/stock.js';

/** The part of a source that is folded and not committed yet. */
export class FoldDraft {
  private records = new CentralRecords();
  private letters: LetterChange[] = [];
  private sequenceNow: number;
  private nodeId: string | undefined;
  private at: RecordTime | undefined;
  private digest: string | undefined;
  private events = 0;
  private lines = 0;

  constructor(
    /** The committed progress. */
    private from: SourceProgress,
    private readonly below: CentralLookup,
  ) {
    this.sequenceNow = from.sequence;
    this.nodeId = from.nodeId;
    this.at = from.at;
    this.digest = from.digest;
  }

  /** A draft on top of this one, to try a fold that is discarded afterwards. */
  fork(): FoldDraft {
    return new FoldDraft(this.progress, this.lookup);
  }

  readonly lookup: CentralLookup = (name) => this.records.get(name) ?? this.below(name);

  get sequence(): number {
    return this.sequenceNow;
  }

  get progress(): SourceProgress {
    const { sequenceNow: sequence, nodeId, at, digest } = this;
    return { name: this.from.name, nodeId, sequence, at, digest };
  }

  /** The size of the commit: its records and letters. */
  get weight(): number {
    return this.records.size + this.letters.length;
  }

  /** Counts for the commit: letters opened, events folded, and their lines. */
  get deadLettered(): number {
    return this.letters.filter(({ kind }) => kind === 'opened').length;
  }

  get applied(): number {
    return this.events;
  }

  get linesApplied(): number {
    return this.lines;
  }

  /** False: a commit would only record that the source was read again. */
  get isChanged(): boolean {
    const { sequence, nodeId } = this.from;
    return this.weight > 0 || this.sequenceNow !== sequence || this.nodeId !== nodeId;
  }

  /** Undefined: the event is folded; else none of it is. */
  fold(event: AggregateEvent): Unfoldable | undefined {
    const folded = foldEvent(this.lookup, event);
    if ('reason' in folded) return folded;
    for (const record of folded.records) this.put(record);
    this.events += 1;
    this.lines += event.lines.length;
    return undefined;
  }

  /** Binds the source to the data with this node id. */
  meet(nodeId: string): void {
    this.nodeId = nodeId;
  }

  /** Everything up to here is folded or set aside. */
  advance(sequence: number): void {
    this.sequenceNow = sequence;
    this.digest = undefined;
  }

  /** Digest by which the last event reached will be recognized. */
  knowBy(digest: string): void {
    this.digest = digest;
  }

  /** Everything that the source had at this time is folded or set aside. */
  reach(at: RecordTime): void {
    if (this.at === undefined || at > this.at) this.at = at;
  }

  /** Sets aside what the letter is about, so that the fold can go on. */
  open(letter: DeadLetter): void {
    for (const { storeId, sku, version } of letter.records) {
      if (version === undefined) continue;
      this.put(setAside(this.lookup({ storeId, sku }), { storeId, sku, version }));
    }
    this.note({ kind: 'opened', at: letter.lastAttemptAt, letter });
  }

  note(change: LetterChange): void {
    this.letters.push(change);
  }

  put(record: CentralRecord): void {
    this.records.put(record);
  }

  /** The next commit. */
  get content(): AggregateCommit {
    const { progress, letters } = this;
    return { progress, records: this.records.toArray(), letters };
  }

  /** After a commit: `below` returns the committed records from now on. */
  clear(): void {
    this.from = this.progress;
    this.events = 0;
    this.lines = 0;
    this.records = new CentralRecords();
    this.letters = [];
  }
}
