import type { StockName } from './wire-types.js';

export function storePath(storeId: string): string {
  return `/api/inventory/stores/${encodeURIComponent(storeId)}/inventory`;
}

export function recordPath({ storeId, sku }: StockName): string {
  return `${storePath(storeId)}/${encodeURIComponent(sku)}`;
}

export function reservationPath(id: string, action?: 'commit' | 'release' | 'extend'): string {
  const path = `/api/reservations/${encodeURIComponent(id)}`;
  return action === undefined ? path : `${path}/${action}`;
}
