import type {
  AggregateCommit,
  CentralReads,
  LetterChange,
  SourceProgress,
  StoreShare,
} from '../application/central-aggregate.js';
import type { CentralRecord } from '../domain/aggregate.js';
import { CentralRecords } from '../domain/central-records.js';
import type { RecordTime } from '../domain/stock.js';
import { OpenLetters } from './open-dead-letters.js';

/** The central picture in memory, as far as it is committed. */
export interface AggregateState {
  readonly reads: CentralReads;
  apply(commit: AggregateCommit): void;
  applyLetters(changes: readonly LetterChange[]): void;
  /** Forgets a source; `letters` are what becomes of its own. */
  drop(source: string, letters: readonly LetterChange[]): void;
  /** What becomes of the letters of a source that is dropped. */
  droppedLetters(source: string, at: RecordTime): readonly LetterChange[];
  sourceNames(): readonly string[];
  /** Every record, store by store; records may be changed while it is walked. */
  storesOf(source: string): Iterable<Iterable<CentralRecord>>;
}

interface SourceState {
  progress: SourceProgress;
  readonly records: CentralRecords;
}

export function createAggregateState(): AggregateState {
  const sources = new Map<string, SourceState>();
  const open = new OpenLetters();

  const reads: CentralReads = {
    progressOf: (source) => sources.get(source)?.progress,
    record: (source, name) => sources.get(source)?.records.get(name),
    sharesOf(sku) {
      const shares: StoreShare[] = [];
      for (const [source, { records }] of sources) {
        for (const record of records.ofSku(sku)) shares.push({ source, record });
      }
      return shares.sort(bySourceAndStore);
    },
    letter: (id) => open.get(id),
    letters: (page) => open.page(page),
    lettersAbout: (source, name) => open.about(source, name),
    isInDoubt: (source) => open.isInDoubt(source),
    letterCount: (source) => open.count(source),
    recordCount() {
      let count = 0;
      for (const { records } of sources.values()) count += records.size;
      return count;
    },
  };

  function applyLetters(changes: readonly LetterChange[]): void {
    for (const change of changes) open.apply(change);
  }

  return {
    reads,
    applyLetters,
    apply(commit) {
      const { progress } = commit;
      const known = sources.get(progress.name);
      const source = known ?? { progress, records: new CentralRecords() };
      if (known === undefined) sources.set(progress.name, source);
      source.progress = progress;
      for (const record of commit.records) source.records.put(record);
      applyLetters(commit.letters);
    },
    drop(source, letters) {
      sources.delete(source);
      applyLetters(letters);
    },
    droppedLetters: (source, at) =>
      [...open.of(source)].map((letter) => ({ kind: 'dropped', at, letter })),
    sourceNames: () => [...sources.keys()],
    storesOf: (source) => sources.get(source)?.records.byStore() ?? [],
  };
}

function bySourceAndStore(one: StoreShare, other: StoreShare): number {
  if (one.source !== other.source) return one.source < other.source ? -1 : 1;
  return one.record.storeId < other.record.storeId ? -1 : 1;
}
