import type { CentralRecord } from './aggregate.js';
import type { StockName } from './keys.js';

/** The latest value of each record, by store and SKU: a lookup need not build a combined key. */
export class CentralRecords {
  private readonly stores = new Map<string, Map<string, CentralRecord>>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  get({ storeId, sku }: StockName): CentralRecord | undefined {
    return this.stores.get(storeId)?.get(sku);
  }

  put(record: CentralRecord): void {
    let skus = this.stores.get(record.storeId);
    if (skus === undefined) {
      skus = new Map<string, CentralRecord>();
      this.stores.set(record.storeId, skus);
    }
    const before = skus.size;
    skus.set(record.sku, record);
    this.count += skus.size - before;
  }

  /** The records of one SKU in all stores. */
  *ofSku(sku: string): Iterable<CentralRecord> {
    for (const skus of this.stores.values()) {
      const record = skus.get(sku);
      if (record !== undefined) yield record;
    }
  }

  /** Grouped by store; records may be changed during the iteration. */
  *byStore(): Iterable<Iterable<CentralRecord>> {
    for (const skus of this.stores.values()) yield skus.values();
  }

  /** A copy of the present records. */
  toArray(): CentralRecord[] {
    const all: CentralRecord[] = [];
    for (const skus of this.stores.values()) for (const record of skus.values()) all.push(record);
    return all;
  }
}
