import type { CentralRecord } from './aggregate.js';
import type { StockName } from './keys.js';

/** The latest of each record, store by store: so no name made of several has to be put together. */
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

  /** What each store has of one SKU. */
  *ofSku(sku: string): Iterable<CentralRecord> {
    for (const skus of this.stores.values()) {
      const record = skus.get(sku);
      if (record !== undefined) yield record;
    }
  }

  /** Store by store; records may be changed while they are walked. */
  *byStore(): Iterable<Iterable<CentralRecord>> {
    for (const skus of this.stores.values()) yield skus.values();
  }

  /** All, as they are now. */
  toArray(): CentralRecord[] {
    const all: CentralRecord[] = [];
    for (const skus of this.stores.values()) for (const record of skus.values()) all.push(record);
    return all;
  }
}
