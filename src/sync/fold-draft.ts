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

/** What is folded of one source and not committed yet. */
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
    /** What is committed. */
    private from: SourceProgress,
    private readonly below: CentralLookup,
  ) {
    this.sequenceNow = from.sequence;
    this.nodeId = from.nodeId;
    this.at = from.at;
    this.digest = from.digest;
  }

  /** One that is tried out above this one, and thrown away. */
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

  /** How much the commit would hold. */
  get weight(): number {
    return this.records.size + this.letters.length;
  }

  /** Letters that it opens, and events that it folds. */
  get deadLettered(): number {
    return this.letters.filter(({ kind }) => kind === 'opened').length;
  }

  get applied(): number {
    return this.events;
  }

  get linesApplied(): number {
    return this.lines;
  }

  /** Whether a commit would say more than that the source was asked again. */
  get isChanged(): boolean {
    const { sequence, nodeId } = this.from;
    return this.weight > 0 || this.sequenceNow !== sequence || this.nodeId !== nodeId;
  }

  /** Undefined: it is folded. Else nothing of it is. */
  fold(event: AggregateEvent): Unfoldable | undefined {
    const folded = foldEvent(this.lookup, event);
    if ('reason' in folded) return folded;
    for (const record of folded.records) this.put(record);
    this.events += 1;
    this.lines += event.lines.length;
    return undefined;
  }

  /** The source is known by its data from now on. */
  meet(nodeId: string): void {
    this.nodeId = nodeId;
  }

  /** Everything up to here is folded or set aside. */
  advance(sequence: number): void {
    this.sequenceNow = sequence;
    this.digest = undefined;
  }

  /** By what the event that it has come to will be known again. */
  knowBy(digest: string): void {
    this.digest = digest;
  }

  /** Everything that the source had at this time is folded or set aside. */
  reach(at: RecordTime): void {
    if (this.at === undefined || at > this.at) this.at = at;
  }

  /** Goes on without what the letter is about. */
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

  /** All of it, for the next commit. */
  get content(): AggregateCommit {
    const { progress, letters } = this;
    return { progress, records: this.records.toArray(), letters };
  }

  /** What is committed now is to be found below. */
  clear(): void {
    this.from = this.progress;
    this.events = 0;
    this.lines = 0;
    this.records = new CentralRecords();
    this.letters = [];
  }
}
