import type { DeadLetter, LetterChange } from '../application/central-aggregate.js';
import { type StockName, stockKey } from '../domain/keys.js';

/** The dead letters that wait for a person, and what they make doubtful. */
export class OpenLetters {
  private readonly letters = new Map<string, DeadLetter>();
  /** Ids by source and record. */
  private readonly byRecord = new Map<string, Set<string>>();
  private readonly counts = new Map<string, { all: number; nameless: number }>();

  apply({ kind, letter }: LetterChange): void {
    const before = this.letters.get(letter.id);
    if (before !== undefined) this.remove(before);
    if (kind === 'opened' || kind === 'tried') this.add(letter);
  }

  get(id: string): DeadLetter | undefined {
    return this.letters.get(id);
  }

  page({ after, limit }: { readonly after: string | undefined; readonly limit: number }) {
    const found = [...this.letters.values()].sort((a, b) => compareLetterIds(a.id, b.id));
    const start =
      after === undefined ? 0 : found.findIndex(({ id }) => compareLetterIds(id, after) > 0);
    return start < 0 ? [] : found.slice(start, start + limit);
  }

  about(source: string, name: StockName): readonly DeadLetter[] {
    const ids = this.byRecord.get(recordKey(source, name)) ?? [];
    return [...ids].flatMap((id) => this.letters.get(id) ?? []);
  }

  /** Whether a letter of the source names no record. */
  isInDoubt(source: string): boolean {
    return (this.counts.get(source)?.nameless ?? 0) > 0;
  }

  count(source?: string): number {
    return source === undefined ? this.letters.size : (this.counts.get(source)?.all ?? 0);
  }

  /** All of one source. */
  *of(source: string): Iterable<DeadLetter> {
    for (const letter of this.letters.values()) if (letter.source === source) yield letter;
  }

  private add(letter: DeadLetter): void {
    this.letters.set(letter.id, letter);
    this.note(letter, 1);
    for (const name of letter.records) {
      const key = recordKey(letter.source, name);
      const ids = this.byRecord.get(key);
      if (ids === undefined) this.byRecord.set(key, new Set([letter.id]));
      else ids.add(letter.id);
    }
  }

  private remove(letter: DeadLetter): void {
    this.letters.delete(letter.id);
    this.note(letter, -1);
    for (const name of letter.records) {
      const key = recordKey(letter.source, name);
      const ids = this.byRecord.get(key);
      ids?.delete(letter.id);
      if (ids?.size === 0) this.byRecord.delete(key);
    }
  }

  private note({ source, records, sequence, lastSequence }: DeadLetter, by: 1 | -1): void {
    const count = this.counts.get(source) ?? { all: 0, nameless: 0 };
    count.all += by;
    if (records.length === 0 || sequence < lastSequence) count.nameless += by;
    this.counts.set(source, count);
  }
}

function recordKey(source: string, name: StockName): string {
  return `${source}/${stockKey(name)}`;
}

/** By source, then by sequence: the number behind the last hyphen. */
function compareLetterIds(one: string, other: string): number {
  const [sourceOfOne, sequenceOfOne] = partsOf(one);
  const [sourceOfOther, sequenceOfOther] = partsOf(other);
  if (sourceOfOne !== sourceOfOther) return sourceOfOne < sourceOfOther ? -1 : 1;
  return sequenceOfOne - sequenceOfOther;
}

function partsOf(id: string): readonly [source: string, sequence: number] {
  const hyphen = id.lastIndexOf('-');
  return [id.slice(0, hyphen), Number(id.slice(hyphen + 1))];
}
