import type { Moment } from '../../application/record-history.js';
import { parseMoment } from '../moment.js';
import { z } from 'zod';
import {
  deltaSchema,
  onHandSchema,
  qtySchema,
  reasonSchema,
  referenceSchema,
  reservationIdSchema,
  skuSchema,
  storeIdSchema,
  ttlMsSchema,
  versionSchema,
} from './name-schemas.js';

const LINES_MAX = 1_000;
const BATCH_OPERATIONS_MAX = 10_000;
/** The most items on one page of a list. */
const PAGE_ITEMS_MAX = 1_000;

const note = {
  reason: reasonSchema.exactOptional(),
  reference: referenceSchema.exactOptional(),
};
const stockName = { storeId: storeIdSchema, sku: skuSchema };

const adjustment = {
  delta: deltaSchema,
  expectedVersion: versionSchema.exactOptional(),
  ...note,
};
const hold = {
  qty: qtySchema,
  expectedVersion: versionSchema.exactOptional(),
  ttlMs: ttlMsSchema.exactOptional(),
  reference: referenceSchema.exactOptional(),
};

export const adjustSchema = z.strictObject(adjustment).meta({ id: 'Adjust' });

export const countSchema = z.strictObject({ onHand: onHandSchema, ...note }).meta({ id: 'Count' });

export const reserveSchema = z.strictObject(hold).meta({ id: 'Reserve' });

export const releaseLineSchema = z
  .strictObject({ reservationId: reservationIdSchema, qty: qtySchema.exactOptional() })
  .meta({ id: 'ReleaseLine' });

export const createReservationSchema = z
  .strictObject({
    lines: z
      .array(
        z.strictObject({
          ...stockName,
          qty: qtySchema,
          expectedVersion: versionSchema.exactOptional(),
        }),
      )
      .min(1)
      .max(LINES_MAX),
    ttlMs: ttlMsSchema.exactOptional(),
    reference: referenceSchema.exactOptional(),
  })
  .meta({ id: 'CreateReservation' });

export const settleSchema = z
  .strictObject({
    lines: z
      .array(z.strictObject({ ...stockName, qty: qtySchema }))
      .min(1)
      .max(LINES_MAX)
      .exactOptional(),
  })
  .meta({ id: 'Settle', description: 'Without `lines`: everything that is still held.' });

export const extendSchema = z.strictObject({ ttlMs: ttlMsSchema }).meta({ id: 'Extend' });

export const transferSchema = z
  .strictObject({
    from: storeIdSchema,
    to: storeIdSchema,
    lines: z
      .array(z.strictObject({ sku: skuSchema, qty: qtySchema }))
      .min(1)
      .max(LINES_MAX),
    reference: referenceSchema.exactOptional(),
  })
  .meta({ id: 'Transfer' });

const operation = {
  ...stockName,
  idempotencyKey: z
    .string()
    .regex(/^[\x20-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters')
    .exactOptional(),
};

export const batchOperationSchema = z
  .discriminatedUnion('op', [
    z.strictObject({ op: z.literal('adjust'), ...operation, ...adjustment }),
    z.strictObject({ op: z.literal('reserve'), ...operation, ...hold }),
    z.strictObject({
      op: z.literal('count'),
      ...operation,
      onHand: onHandSchema,
      expectedVersion: versionSchema.exactOptional(),
      ...note,
    }),
  ])
  .meta({ id: 'BatchOperation' });

export type BatchOperationBody = z.infer<typeof batchOperationSchema>;

const batchOf = <T extends z.ZodType>(operation: T) =>
  z.strictObject({
    atomic: z.boolean().default(true),
    operations: z.array(operation).min(1).max(BATCH_OPERATIONS_MAX),
  });

export const batchSchema = batchOf(batchOperationSchema).meta({ id: 'Batch' });
/** The batch, its operations unchecked: they are too many to check in one event loop turn. */
export const batchFrameSchema = batchOf(z.unknown());

const limit = z
  .string()
  .regex(/^(?:[1-9][0-9]{0,2}|1000)$/, `must be a whole number from 1 to ${PAGE_ITEMS_MAX}`);
const limitInWords = {
  type: 'integer',
  minimum: 1,
  maximum: PAGE_ITEMS_MAX,
  default: 100,
} as const;

const page = {
  limit: limit.exactOptional().meta(limitInWords),
  cursor: z
    .string()
    .exactOptional()
    .meta({ description: 'The `nextCursor` of the previous page, unchanged.' }),
};

export const pageQuerySchema = z.strictObject(page);
export type PageQuery = z.infer<typeof pageQuerySchema>;

export const reservationsQuerySchema = z.strictObject({ reference: referenceSchema, ...page });

export const recordQuerySchema = z.strictObject({
  at: z
    .string()
    .transform((text, context): Moment => {
      const moment = parseMoment(text);
      if (moment !== undefined) return moment;
      context.addIssue('must be a sequence, or a time such as 2026-01-31T12:00:00.000Z');
      return z.NEVER;
    })
    .exactOptional()
    .meta({
      type: 'string',
      description: 'Read the record as of this sequence or RFC 3339 time in UTC.',
    }),
});

/** A position between two events: after the one with this sequence; 0: before the first. */
export const positionSchema = z
  .string()
  .regex(/^(?:0|[1-9]\d{0,15})$/, 'must be a sequence, or 0')
  .transform(Number)
  .refine(Number.isSafeInteger, 'must be a sequence, or 0');

export const feedQuerySchema = z.strictObject({
  after: positionSchema.exactOptional().meta({
    type: 'integer',
    minimum: 0,
    default: 0,
    description: 'The sequence of the last event that you already have; 0 if you have none.',
  }),
  limit: limit.transform(Number).exactOptional().meta(limitInWords),
});

export type FeedQuery = z.infer<typeof feedQuerySchema>;

/** The body of an action without parameters: an empty object, or no body at all. */
export const nothingSchema = z.strictObject({}).meta({ id: 'Nothing' });
