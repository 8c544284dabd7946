/** Names a stock record: `storeId/sku`. Neither half can contain a slash, so it is unambiguous. */
export type StockKey = string & { readonly __brand: 'StockKey' };

export interface StockName {
  readonly storeId: string;
  readonly sku: string;
}

export const STORE_ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Real catalogues have SKUs with inner spaces (`BANK CHARGES`), never at either end. */
export const SKU_PATTERN = /^[A-Za-z0-9](?:[A-Za-z0-9 ._:+-]{0,62}[A-Za-z0-9._:+-])?$/;

export function stockKey(name: StockName): StockKey {
  return `${name.storeId}/${name.sku}` as StockKey;
}
