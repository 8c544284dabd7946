import type { LoadRequest, Memory, RequestMaker } from './load.js';
import { settings } from './settings.js';

export const STORE = 'STORE001';
/** More than any record has. */
const TOO_MANY = 2_000_000;
const RUN = Date.now().toString(36);

let counter = 0;

/** A walk over the records that touches neighbours far apart. */
function nextIndex(): number {
  counter += 1;
  return counter * 7_919;
}

export function skuOf(index: number, records = settings.records): string {
  return `SKU${String(index % records).padStart(7, '0')}`;
}

function recordPath(sku: string): string {
  return `/api/inventory/stores/${STORE}/inventory/${sku}`;
}

function freshKey(): Readonly<Record<string, string>> {
  return { 'Idempotency-Key': `bench-${RUN}-${counter}` };
}

function reserve(sku: string, key: Readonly<Record<string, string>>, qty = 1): LoadRequest {
  return {
    method: 'POST',
    path: `${recordPath(sku)}/reserve`,
    body: `{"qty":${qty},"reference":"order-${counter}"}`,
    headers: key,
    status: 201,
    contains: `"sku":"${sku}"`,
  };
}

/** Spread over this many records. */
export function reserveOver(records: number): RequestMaker {
  return {
    make: () => {
      const sku = skuOf(nextIndex(), records);
      return reserve(sku, freshKey());
    },
  };
}

export const reserveSpread = reserveOver(settings.records);

export const reserveHot: RequestMaker = {
  make: () => {
    nextIndex();
    return reserve(skuOf(0), freshKey());
  },
};

const REFUSED = { status: 422, contains: '"code":"insufficient-stock"' };

/** Its refusal is final for its key: an event of its own. */
export const reserveRefused: RequestMaker = {
  make: () => {
    const sku = skuOf(nextIndex());
    return { ...reserve(sku, freshKey(), TOO_MANY), ...REFUSED };
  },
};

export const reserveRefusedUnkeyed: RequestMaker = {
  make: () => ({ ...reserve(skuOf(nextIndex()), {}, TOO_MANY), ...REFUSED }),
};

/** The same requests again and again: each has been answered before, in `prepareReplays`. */
const REPLAYED = 1_000;

function replayed(index: number): LoadRequest {
  const request = reserve(skuOf(index), { 'Idempotency-Key': `bench-${RUN}-replayed-${index}` });
  return { ...request, body: `{"qty":1,"reference":"replayed-${index}"}` };
}

/** For the first time; or again, where a key's retention may have ended. */
export const replays = Array.from({ length: REPLAYED }, (_, index) => replayed(index));

export const reserveReplayed: RequestMaker = {
  make: () => ({ ...replayed(nextIndex() % REPLAYED), contains: 'Idempotent-Replayed: true' }),
};

export const adjust: RequestMaker = {
  make: () => {
    const sku = skuOf(nextIndex());
    return {
      ...reserve(sku, freshKey()),
      path: `${recordPath(sku)}/adjust`,
      body: `{"delta":1,"reference":"delivery-${counter}"}`,
      status: 200,
    };
  },
};

export const getRecord: RequestMaker = {
  make: () => {
    const sku = skuOf(nextIndex());
    return { method: 'GET', path: recordPath(sku), status: 200, contains: `"sku":"${sku}"` };
  },
};

export function order(lineCount: number): RequestMaker {
  return {
    make: () => {
      const lines = Array.from({ length: lineCount }, () => ({
        storeId: STORE,
        sku: skuOf(nextIndex()),
        qty: 1,
      }));
      return {
        method: 'POST',
        path: '/api/reservations',
        body: JSON.stringify({ lines, reference: `order-${counter}` }),
        headers: freshKey(),
        status: 201,
        contains: `"reference":"order-${counter}"`,
      };
    },
    remember: (body, memory) => {
      memory['id'] = /"reservation":\{"id":"([^"]+)"/.exec(body)?.[1] ?? '';
    },
  };
}

/** Of the order that the same connection has just reserved. */
export const commit: RequestMaker = {
  make: (memory: Memory) => {
    nextIndex();
    return {
      method: 'POST',
      path: `/api/reservations/${memory['id'] ?? ''}/commit`,
      body: '{}',
      headers: freshKey(),
      status: 200,
      contains: '"status":"committed"',
    };
  },
};

/** `reason`: to make the log grow. */
export function batch(operationCount: number, reason?: string): RequestMaker {
  return {
    make: () => {
      let last = '';
      const operations = Array.from({ length: operationCount }, () => {
        last = skuOf(nextIndex());
        return { op: 'adjust', storeId: STORE, sku: last, delta: 1, reason };
      });
      return {
        method: 'POST',
        path: '/api/inventory/batch',
        body: JSON.stringify({ operations }),
        headers: freshKey(),
        status: 200,
        contains: `"sku":"${last}"`,
      };
    },
  };
}
