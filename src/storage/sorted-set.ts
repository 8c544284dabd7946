import sortedBTree from 'sorted-btree';

// The package is CommonJS: seen from an ES module its class is a property of the default import.
const BTree = sortedBTree.default;

/** Negative, 0 or positive, as `a` comes before, with or behind `b`. */
export type Order<P> = (a: P, b: P) => number;

/** Up to so many items an array is smaller than a tree, and faster. */
const FEW_MAX = 32;

/**
 * A set of T kept in order by the part P of them that `order` reads; O(log n) for every single
 * step: a B+ tree, once it is no longer small.
 */
export class SortedSet<T extends P, P = T> {
  private few: T[] | undefined = [];
  private many: InstanceType<typeof BTree<P, undefined>> | undefined;

  constructor(private readonly order: Order<P>) {}

  get size(): number {
    return this.few?.length ?? this.many?.size ?? 0;
  }

  /** In place of the one that is equal by the order, if there is one. */
  add(item: T): void {
    const { few } = this;
    if (few === undefined) {
      this.many?.set(item, undefined);
      return;
    }
    const place = this.placeIn(few, item);
    const there = few[place];
    if (there !== undefined && this.order(there, item) === 0) {
      few[place] = item;
      return;
    }
    few.splice(place, 0, item);
    if (few.length > FEW_MAX) {
      this.many = new BTree<P, undefined>(undefined, this.order);
      for (const each of few) this.many.set(each, undefined);
      this.few = undefined;
    }
  }

  delete(item: P): void {
    const { few } = this;
    if (few === undefined) {
      this.many?.delete(item);
      return;
    }
    const place = this.placeIn(few, item);
    const there = few[place];
    if (there !== undefined && this.order(there, item) === 0) few.splice(place, 1);
  }

  first(): T | undefined {
    return this.few === undefined ? (this.many?.minKey() as T | undefined) : this.few[0];
  }

  /** In order; `after`: only what comes behind it, which need not be in the set. */
  *items(after?: P): Iterable<T> {
    if (this.few !== undefined) {
      const place = after === undefined ? 0 : this.placeIn(this.few, after);
      yield* this.behind(this.few.slice(place), after);
    } else if (this.many !== undefined) {
      yield* this.behind(this.many.keys(after) as Iterable<T>, after);
    }
  }

  private *behind(items: Iterable<T>, after: P | undefined): Iterable<T> {
    for (const item of items) {
      if (after === undefined || this.order(item, after) > 0) yield item;
    }
  }

  /** Where `item` is, or where it would come. Most come last. */
  private placeIn(few: readonly T[], item: P): number {
    const last = few.at(-1);
    if (last === undefined || this.order(last, item) < 0) return few.length;
    let low = 0;
    let high = few.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = few[middle];
      if (at !== undefined && this.order(at, item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export function byCodePoint(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
