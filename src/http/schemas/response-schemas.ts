import { z } from 'zod';
import { reservationIdSchema, skuSchema, storeIdSchema, versionSchema } from './name-schemas.js';
import { problemOfCodes } from './problem-schemas.js';
import {
  reservationStatusSchema,
  sequenceSchema,
  timeSchema,
  unitsSchema,
} from './value-schemas.js';

// What answers look like, for the API description, for types and for tests: answers are rendered
// by hand (wire-json.ts) and not checked while the service runs.

const stockName = { storeId: storeIdSchema, sku: skuSchema };

export const stockRecordSchema = z
  .strictObject({
    ...stockName,
    qty: unitsSchema.meta({ description: 'Available to sell: on hand less reserved.' }),
    reserved: unitsSchema,
    onHand: unitsSchema,
    version: versionSchema,
    updatedAt: timeSchema,
  })
  .meta({ id: 'StockRecord' });

const reservationMembers = {
  id: reservationIdSchema,
  status: reservationStatusSchema,
  reference: z.string().nullable(),
  createdAt: timeSchema,
  expiresAt: timeSchema.nullable(),
  lines: z.array(
    z.strictObject({
      ...stockName,
      qty: unitsSchema.meta({ description: 'held + committed + released + expired' }),
      held: unitsSchema,
      committed: unitsSchema,
      released: unitsSchema,
      expired: unitsSchema,
    }),
  ),
};

const reservationSchema = z.strictObject(reservationMembers).meta({ id: 'Reservation' });

export const storedReservationSchema = z
  .strictObject({
    ...reservationMembers,
    sequences: z.array(sequenceSchema).meta({ description: 'The events of its life.' }),
  })
  .meta({ id: 'StoredReservation' });

const eventTypeSchema = z.enum([
  'StockAdjusted',
  'StockCounted',
  'StockReserved',
  'StockReleased',
  'StockCommitted',
  'StockTransferred',
  'StockBatch',
  'ReservationExtended',
  'ReservationExpired',
  'RequestRefused',
]);

const eventSchema = z
  .strictObject({
    sequence: sequenceSchema,
    type: eventTypeSchema,
    at: timeSchema,
    lines: z.array(
      z.strictObject({
        ...stockName,
        version: versionSchema,
        onHandDelta: z.int(),
        reservedDelta: z.int(),
      }),
    ),
    reservationId: reservationIdSchema.exactOptional(),
    reason: z.string().exactOptional(),
    reference: z.string().exactOptional(),
  })
  .meta({ id: 'Event' });

const record = stockRecordSchema;
const records = z.array(stockRecordSchema);
const reservation = reservationSchema;
const sequence = sequenceSchema;

export const movedRecordSchema = z.strictObject({ record, sequence }).meta({ id: 'MovedRecord' });

export const heldRecordSchema = z
  .strictObject({ record, reservation, sequence })
  .meta({ id: 'HeldRecord' });

export const settledSchema = z
  .strictObject({ reservation, records, sequence })
  .meta({ id: 'SettledReservation' });

export const transferredSchema = z.strictObject({ records, sequence }).meta({ id: 'Transferred' });

const operationDoneSchema = z
  .strictObject({
    status: z.literal([200, 201]),
    record,
    reservation: reservation.exactOptional(),
    sequence,
  })
  .meta({ id: 'OperationDone' });

const operationRefusedSchema = z
  .strictObject({
    status: z.int().min(400).max(599),
    problem: problemOfCodes([
      'stock-not-found',
      'version-conflict',
      'insufficient-stock',
      'below-reserved',
      'quantity-overflow',
      'idempotency-key-reused',
      'internal',
      'overloaded',
      'lock-contended',
      'storage-unavailable',
      'shutting-down',
    ]),
  })
  .meta({ id: 'OperationRefused', description: 'Only with `atomic: false`.' });

export const batchResultsSchema = z
  .strictObject({
    results: z
      .array(z.union([operationDoneSchema, operationRefusedSchema]))
      .meta({ description: 'One for each operation, in their order.' }),
    sequence: sequence.exactOptional().meta({ description: 'The highest; none: none happened.' }),
  })
  .meta({ id: 'BatchResults' });

const nextCursor = z.string().nullable().meta({ description: 'null: there is no more.' });

export const stockPageSchema = z
  .strictObject({ items: records, nextCursor })
  .meta({ id: 'StockPage' });
export const reservationPageSchema = z
  .strictObject({ items: z.array(reservation), nextCursor })
  .meta({ id: 'ReservationPage' });
export const eventPageSchema = z
  .strictObject({ items: z.array(eventSchema), nextCursor })
  .meta({ id: 'EventPage' });

/** What one page of the feed says: `nextAfter` is the `after` of the next. */
export const feedPageSchema = z
  .strictObject({
    items: z.array(eventSchema),
    nextAfter: z
      .int()
      .min(0)
      .meta({ description: 'The `after` of the next page; no items: you have all there is.' }),
  })
  .meta({ id: 'FeedPage' });

const cloudEventSchema = z
  .strictObject({
    specversion: z.literal('1.0'),
    id: z.string().meta({ description: 'The sequence.' }),
    source: z.string().meta({
      description: 'Names the data that the event is from: `/nodes/` and the `Inventory-Node`.',
      format: 'uri-reference',
    }),
    type: z.templateLiteral(['inventory.', eventTypeSchema]),
    time: timeSchema,
    datacontenttype: z.literal('application/json'),
    data: eventSchema,
  })
  .meta({ id: 'CloudEvent' });

export const cloudEventsSchema = z.array(cloudEventSchema).meta({ id: 'CloudEvents' });

export const healthMembers = {
  status: z.literal('ok'),
  uptime: z.number().meta({ description: 'Seconds since the start.' }),
  timestamp: timeSchema,
  version: z.string(),
};

export const healthSchema = z.strictObject(healthMembers).meta({ id: 'Health' });

const wellness = { ok: z.boolean() };

export const readinessSchema = z
  .strictObject({
    ready: z.boolean().meta({ description: 'Whether requests should be sent here.' }),
    degraded: z
      .array(z.enum(['storage', 'sync', 'breakers', 'queue']))
      .meta({ description: 'The checks that are not ok; reads go on all the same.' }),
    checks: z.strictObject({
      storage: z.strictObject({ ...wellness, writes: z.enum(['taken', 'refused']) }),
      sync: z.strictObject({ ...wellness, failing: z.array(z.string()) }),
      breakers: z.strictObject({ ...wellness, open: z.array(z.string()) }),
      queue: z.strictObject({
        ...wellness,
        reads: z.int().min(0),
        writes: z.int().min(0),
        max: z.int().min(1).meta({ description: 'Of each; more are refused.' }),
      }),
    }),
  })
  .meta({ id: 'Readiness' });

export const livenessSchema = z.strictObject({ status: z.literal('ok') }).meta({ id: 'Liveness' });
