import type {
  AggregateCommit,
  CentralReads,
  LetterChange,
  SourceProgress,
  StoreShare,
} from '../application/central-aggregate.js';
import type { CentralRecord } from '../domain/aggregate.js';
import type { RecordTime } from '../domain/stock.js';
import { OpenLetters } from './open-letters.js';

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
  storesOf(source: string): Iterable<readonly [storeId: string, Iterable<CentralRecord>]>;
}

/** By SKU: a store's records need no name made of several. */
type Skus = Map<string, CentralRecord>;

interface SourceState {
  progress: SourceProgress;
  readonly stores: Map<string, Skus>;
}

export function createAggregateState(): AggregateState {
  const sources = new Map<string, SourceState>();
  const open = new OpenLetters();
  let records = 0;

  function put(stores: Map<string, Skus>, record: CentralRecord): void {
    let skus = stores.get(record.storeId);
    if (skus === undefined) {
      skus = new Map<string, CentralRecord>();
      stores.set(record.storeId, skus);
    }
    const before = skus.size;
    skus.set(record.sku, record);
    records += skus.size - before;
  }

  const reads: CentralReads = {
    progressOf: (source) => sources.get(source)?.progress,
    record: (source, { storeId, sku }) => sources.get(source)?.stores.get(storeId)?.get(sku),
    sharesOf(sku) {
      const shares: StoreShare[] = [];
      for (const [source, { stores }] of sources) {
        for (const skus of stores.values()) {
          const record = skus.get(sku);
          if (record !== undefined) shares.push({ source, record });
        }
      }
      return shares.sort(bySourceAndStore);
    },
    letter: (id) => open.get(id),
    letters: (page) => open.page(page),
    lettersAbout: (source, name) => open.about(source, name),
    isInDoubt: (source) => open.isInDoubt(source),
    letterCount: (source) => open.count(source),
    recordCount: () => records,
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
      const source = known ?? { progress, stores: new Map<string, Skus>() };
      if (known === undefined) sources.set(progress.name, source);
      source.progress = progress;
      for (const record of commit.records) put(source.stores, record);
      applyLetters(commit.letters);
    },
    drop(source, letters) {
      for (const skus of sources.get(source)?.stores.values() ?? []) records -= skus.size;
      sources.delete(source);
      applyLetters(letters);
    },
    droppedLetters: (source, at) =>
      [...open.of(source)].map((letter) => ({ kind: 'dropped', at, letter })),
    sourceNames: () => [...sources.keys()],
    *storesOf(source) {
      for (const [storeId, skus] of sources.get(source)?.stores ?? []) {
        yield [storeId, skus.values()];
      }
    },
  };
}

function bySourceAndStore(one: StoreShare, other: StoreShare): number {
  if (one.source !== other.source) return one.source < other.source ? -1 : 1;
  return one.record.storeId < other.record.storeId ? -1 : 1;
}
