import { z } from 'zod';
import { SKU_PATTERN, STORE_ID_PATTERN } from '../../domain/keys.js';
import { REQUEST_QTY_MAX } from '../../domain/stock.js';

/** The longest hold, in ms: a year. */
const TTL_MS_MAX = 31_536_000_000;

/** Such an id also needs no escaping in a JSON text or in a path. */
export const RESERVATION_ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

// Lengths count code points, as JSON Schema does: a surrogate pair is one. A reason is written by a
// person, so tabs, line breaks and ESC (pasted from a terminal) are allowed; all text is stored
// escaped. Not \p{Cc}: these patterns are published, and not every validator supports properties.
/* eslint-disable no-control-regex -- the refused characters, and ESC in a reason */
const REASON_PATTERN = /^(?:[^\x00-\x1f\x7f-\x9f]|[\t\n\r\x1b]){1,256}$/u;
const REFERENCE_PATTERN = /^[^\x00-\x1f\x7f-\x9f]{1,256}$/u;
/* eslint-enable no-control-regex */

export const storeIdSchema = z
  .string()
  .regex(
    STORE_ID_PATTERN,
    "must be 1 to 64 letters, digits, '.', '_' or '-', and begin with a letter or digit",
  )
  .meta({ id: 'StoreId', description: 'Identifies a store; case-sensitive.', example: 'STORE001' });

export const skuSchema = z
  .string()
  .regex(
    SKU_PATTERN,
    "must be 1 to 64 letters, digits, spaces, '.', '_', ':', '+' or '-', " +
      'begin with a letter or digit and not end with a space',
  )
  .meta({ id: 'Sku', description: 'Identifies a product; case-sensitive.', example: 'SKU123' });

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
  .meta({ id: 'Reason', description: 'Free text that says why; stored with the event.' });

export const referenceSchema = z
  .string()
  .regex(REFERENCE_PATTERN, 'must be 1 to 256 characters without control characters')
  .meta({
    id: 'Reference',
    description: 'Your own identifier, such as an order number; stored with the event.',
    example: 'order-7',
  });

export const qtySchema = z
  .int()
  .min(1)
  .max(REQUEST_QTY_MAX)
  .meta({ id: 'Quantity', description: 'Number of units.', example: 25 });

export const deltaSchema = z
  .int()
  .min(-REQUEST_QTY_MAX)
  .max(REQUEST_QTY_MAX)
  .refine((delta) => delta !== 0, 'must not be 0')
  .meta({
    id: 'Delta',
    description: 'Units to add; if negative, units to remove.',
    not: { const: 0 },
    example: -3,
  });

export const onHandSchema = z
  .int()
  .min(0)
  .max(REQUEST_QTY_MAX)
  .meta({ id: 'CountedQuantity', description: 'The counted number of units.', example: 120 });

export const versionSchema = z
  .int()
  .min(1)
  .meta({ id: 'Version', description: 'The number of events of one stock record.', example: 4 });

export const ttlMsSchema = z
  .int()
  .min(1)
  .max(TTL_MS_MAX)
  .meta({ id: 'TtlMs', description: 'How long the hold lasts, in ms from now.', example: 900_000 });
