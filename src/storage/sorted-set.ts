import sortedBTree from 'sorted-btree';

/** A set of T kept in order by the part P of them that `compare` reads; a B+ tree, O(log n) for every single step. */
export interface SortedSet<T extends P, P = T> {
  readonly size: number;
  add(item: T): void;
  delete(item: T): void;
  first(): T | undefined;
  /** In order; `after`: only what comes behind it, which need not be in the set. */
  items(after?: P): Iterable<T>;
}

// The package is CommonJS: seen from an ES module its class is a property of the default import.
const BTree = sortedBTree.default;

export function createSortedSet<T extends P, P = T>(
  compare: (a: P, b: P) => number,
): SortedSet<T, P> {
  const tree = new BTree<P, undefined>(undefined, compare);
  return {
    get size() {
      return tree.size;
    },
    add: (item) => void tree.set(item, undefined),
    delete: (item) => void tree.delete(item),
    first: () => tree.minKey() as T | undefined,
    *items(after) {
      for (const item of tree.keys(after)) {
        if (after === undefined || compare(item, after) > 0) yield item as T;
      }
    },
  };
}

export function byCodePoint(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
