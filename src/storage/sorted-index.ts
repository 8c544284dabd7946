import { type Order, SortedSet } from './sorted-set.js';

/** Items in order under each key. Most keys have one item: a tree only where there are more. */
export class SortedIndex<K, T extends P, P = T> {
  private readonly byKey = new Map<K, T | SortedSet<T, P>>();

  constructor(private readonly order: Order<P>) {}

  add(key: K, item: T): void {
    const found = this.byKey.get(key);
    if (found === undefined) this.byKey.set(key, item);
    else if (found instanceof SortedSet) found.add(item);
    else if (this.order(found, item) === 0) this.byKey.set(key, item);
    else {
      const several = new SortedSet<T, P>(this.order);
      several.add(found);
      several.add(item);
      this.byKey.set(key, several);
    }
  }

  delete(key: K, item: P): void {
    const found = this.byKey.get(key);
    if (found === undefined) return;
    if (!(found instanceof SortedSet)) {
      if (this.order(found, item) === 0) this.byKey.delete(key);
      return;
    }
    found.delete(item);
    if (found.size === 0) this.byKey.delete(key);
  }

  /** In order; `after`: only what comes behind it. */
  *of(key: K, after?: P): Iterable<T> {
    const found = this.byKey.get(key);
    if (found === undefined) return;
    if (found instanceof SortedSet) yield* found.items(after);
    else if (after === undefined || this.order(found, after) > 0) yield found;
  }

  /** The keys that have items, in no order. */
  keys(): Iterable<K> {
    return this.byKey.keys();
  }

  clear(): void {
    this.byKey.clear();
  }
}
