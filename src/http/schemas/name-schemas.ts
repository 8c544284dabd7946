import { z } from 'zod';
import { SKU_PATTERN, STORE_ID_PATTERN } from '../../domain/keys.js';
import { REQUEST_QTY_MAX } from '../../domain/stock.js';

/** The longest hold, in ms: a year. */
const TTL_MS_MAX = 31_536_000_000;

/** Also what needs no escaping inside a JSON text or a path. */
export const RESERVATION_ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

// Counted in characters, as a JSON schema counts: an emoji is one. A reason is a person's text, so
// line breaks and what a terminal adds may come along: they are stored escaped, as is everything.
// Not \p{Cc}: these patterns are published, and not every reader of a JSON schema knows properties.
/* eslint-disable no-control-regex -- what is refused, and ESC in a reason */
const REASON_PATTERN = /^(?:[^\x00-\x1f\x7f-\x9f]|[\t\n\r\x1b]){1,256}$/u;
const REFERENCE_PATTERN = /^[^\x00-\x1f\x7f-\x9f]{1,256}$/u;
/* eslint-enable no-control-regex */

export const storeIdSchema = z
  .string()
  .regex(
    STORE_ID_PATTERN,
    "must be 1 to 64 letters, digits, '.', '_' or '-', and begin with a letter or digit",
  )
  .meta({ id: 'StoreId', description: 'Names a store. Case counts.', example: 'STORE001' });

export const skuSchema = z
  .string()
  .regex(
    SKU_PATTERN,
    "must be 1 to 64 letters, digits, spaces, '.', '_', ':', '+' or '-', " +
      'begin with a letter or digit and not end with a space',
  )
  .meta({ id: 'Sku', description: 'Names a good. Case counts.', example: 'SKU123' });

export const reservationIdSchema = z
  .string()
  .regex(
    RESERVATION_ID_PATTERN,
    "must be 1 to 64 letters, digits, '.', '_' or '-', and begin with a letter or digit",
  )
  .meta({ id: 'ReservationId', example: '019a1b2c-3d4e-7f50-8a6b-7c8d9e0f1a2b' });

export const reasonSchema = z
  .string()
  .regex(REASON_PATTERN, 'must be 1 to 256 characters of text')
  .meta({ id: 'Reason', description: 'Why, in your words; kept with the event.' });

export const referenceSchema = z
  .string()
  .regex(REFERENCE_PATTERN, 'must be 1 to 256 characters without control characters')
  .meta({ id: 'Reference', description: 'Your name for it; kept.', example: 'order-7' });

export const qtySchema = z
  .int()
  .min(1)
  .max(REQUEST_QTY_MAX)
  .meta({ id: 'Quantity', description: 'Units.', example: 25 });

export const deltaSchema = z
  .int()
  .min(-REQUEST_QTY_MAX)
  .max(REQUEST_QTY_MAX)
  .refine((delta) => delta !== 0, 'must not be 0')
  .meta({
    id: 'Delta',
    description: 'Units to add, or (negative) to take away.',
    not: { const: 0 },
    example: -3,
  });

export const onHandSchema = z
  .int()
  .min(0)
  .max(REQUEST_QTY_MAX)
  .meta({ id: 'CountedQuantity', description: 'Units that were counted.', example: 120 });

export const versionSchema = z
  .int()
  .min(1)
  .meta({ id: 'Version', description: 'Counts the events of one stock record.', example: 4 });

export const ttlMsSchema = z
  .int()
  .min(1)
  .max(TTL_MS_MAX)
  .meta({ id: 'TtlMs', description: 'How long the hold lasts, in ms from now.', example: 900_000 });
