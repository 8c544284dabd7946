import sortedBTree from 'sorted-btree';

// The package is CommonJS: seen from an ES module its class is a property of the default import.
const BTree = sortedBTree.default;

/** Negative, 0 or positive, as `a` comes before, with or behind `b`. */
export type Order<P> = (a: P, b: P) => number;

/**
 * A set of T kept in order by the part P of them that `order` reads; a B+ tree, O(log n) for
 * every single step.
 */
export class SortedSet<T extends P, P = T> {
  private readonly tree;

  constructor(private readonly order: Order<P>) {
    this.tree = new BTree<P, undefined>(undefined, order);
  }

  get size(): number {
    return this.tree.size;
  }

  add(item: T): void {
    this.tree.set(item, undefined);
  }

  delete(item: P): void {
    this.tree.delete(item);
  }

  first(): T | undefined {
    return this.tree.minKey() as T | undefined;
  }

  /** In order; `after`: only what comes behind it, which need not be in the set. */
  *items(after?: P): Iterable<T> {
    for (const item of this.tree.keys(after)) {
      if (after === undefined || this.order(item, after) > 0) yield item as T;
    }
  }
}

export function byCodePoint(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
