/**
 * Walks a map from its oldest entry and drops what is over, a few at a time. It keeps its place:
 * a fresh iterator would step over every entry deleted before, again and again. What came first is
 * over first, unless the retention was changed: from then on a second walk goes over all of them,
 * round and round, while the oldest one stays.
 */
export class RetentionWalk<V> {
  private iterator: MapIterator<[string, V]>;
  private oldest: [string, V] | undefined;
  private latestEnd = -Infinity;
  private isUneven = false;
  private round: MapIterator<[string, V]> | undefined;

  constructor(
    private readonly map: Map<string, V>,
    private readonly endOf: (value: V) => number,
    private readonly drop: (id: string) => void,
  ) {
    this.iterator = map.entries();
  }

  /** To be told of every entry that is put into the map. */
  added(end: number): void {
    if (end < this.latestEnd) this.isUneven = true;
    else this.latestEnd = end;
  }

  /**
   * Drops up to `most` of the oldest entries whose end is not after `at`: more than were added, or the
   * map grows with what is over.
   */
  forget(at: number, most: number): void {
    for (let dropped = 0; dropped < most; dropped += 1) {
      const entry = (this.oldest ??= this.next());
      if (entry === undefined) return;
      const current = this.map.get(entry[0]);
      if (current === entry[1]) {
        if (this.endOf(entry[1]) > at) {
          // Twice as many: as many are added meanwhile, and come into the same round.
          if (this.isUneven) this.goRound(at, 2 * most);
          return;
        }
        this.drop(entry[0]);
      }
      this.oldest = undefined;
    }
  }

  private goRound(at: number, most: number): void {
    for (let looked = 0; looked < most; looked += 1) {
      this.round ??= this.map.entries();
      const { done, value } = this.round.next();
      if (done === true) this.round = undefined;
      else if (this.endOf(value[1]) <= at) this.drop(value[0]);
    }
  }

  private next(): [string, V] | undefined {
    let result = this.iterator.next();
    if (result.done === true && this.map.size > 0) {
      this.iterator = this.map.entries();
      result = this.iterator.next();
    }
    return result.done === true ? undefined : result.value;
  }
}
