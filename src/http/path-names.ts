import type { ZodType } from 'zod';
import { SKU_PATTERN, STORE_ID_PATTERN, type StockName } from '../domain/keys.js';
import { LETTER_ID_PATTERN, letterIdSchema } from './schemas/sync-schemas.js';
import {
  RESERVATION_ID_PATTERN,
  reservationIdSchema,
  skuSchema,
  storeIdSchema,
} from './schemas/name-schemas.js';
import { RequestError } from './request-error.js';

// The names in a path, decoded by the router; an invalid one is validation-failed.

export function parseStockName(params: { storeId: string; sku: string }): StockName {
  return { storeId: parseStoreId(params.storeId), sku: parseSku(params.sku) };
}

export function parseSku(value: string): string {
  return parseName(SKU, value);
}

export function parseStoreId(value: string): string {
  return parseName(STORE_ID, value);
}

export function parseReservationId(value: string): string {
  return parseName(RESERVATION_ID, value);
}

export function parseLetterId(value: string): string {
  return parseName(LETTER_ID, value);
}

interface NameRule {
  readonly name: string;
  readonly pattern: RegExp;
  /** The same rule as the pattern, with a message. */
  readonly schema: ZodType<string>;
}

const STORE_ID: NameRule = {
  name: 'storeId',
  pattern: STORE_ID_PATTERN,
  schema: storeIdSchema,
};
const SKU: NameRule = { name: 'sku', pattern: SKU_PATTERN, schema: skuSchema };
const RESERVATION_ID: NameRule = {
  name: 'id',
  pattern: RESERVATION_ID_PATTERN,
  schema: reservationIdSchema,
};
const LETTER_ID: NameRule = { name: 'id', pattern: LETTER_ID_PATTERN, schema: letterIdSchema };

/** Nearly every request needs this: the bare pattern costs a tenth of the schema. */
function parseName({ name, pattern, schema }: NameRule, value: string): string {
  if (pattern.test(value)) return value;
  const [issue] = schema.safeParse(value).error?.issues ?? [];
  throw new RequestError('validation-failed', `${name} in the path ${issue?.message ?? ''}.`);
}
