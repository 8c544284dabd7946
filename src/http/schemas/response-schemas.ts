import { z } from 'zod';
import { reservationIdSchema, skuSchema, storeIdSchema, versionSchema } from './name-schemas.js';
import { problemOfCodes } from './problem-schemas.js';
import {
  reservationStatusSchema,
  sequenceSchema,
  timeSchema,
  unitsSchema,
} from './value-schemas.js';

// The responses, for the API description, for types and for tests: they are rendered by hand
// (wire-json.ts) and not validated at run time.

const stockName = { storeId: storeIdSchema, sku: skuSchema };

export const stockRecordSchema = z
  .strictObject({
    ...stockName,
    qty: unitsSchema.meta({ description: 'Available to sell: `onHand` - `reserved`.' }),
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
      qty: unitsSchema.meta({ description: '`held` + `committed` + `released` + `expired`' }),
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
    sequences: z.array(sequenceSchema).meta({ description: 'The sequences of its events.' }),
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
      .meta({ description: 'One result per operation, in the order of the operations.' }),
    sequence: sequence
      .exactOptional()
      .meta({ description: 'The highest sequence of the results; absent if there is no event.' }),
  })
  .meta({ id: 'BatchResults' });

const nextCursor = z.string().nullable().meta({ description: 'null on the last page.' });

export const stockPageSchema = z
  .strictObject({ items: records, nextCursor })
  .meta({ id: 'StockPage' });
export const reservationPageSchema = z
  .strictObject({ items: z.array(reservation), nextCursor })
  .meta({ id: 'ReservationPage' });
export const eventPageSchema = z
  .strictObject({ items: z.array(eventSchema), nextCursor })
  .meta({ id: 'EventPage' });

/** One page of the feed: `nextAfter` is the `after` of the next page. */
export const feedPageSchema = z
  .strictObject({
    items: z.array(eventSchema),
    nextAfter: z.int().min(0).meta({
      description: 'The `after` of the next page. No items: there are no more events yet.',
    }),
  })
  .meta({ id: 'FeedPage' });

const cloudEventSchema = z
  .strictObject({
    specversion: z.literal('1.0'),
    id: z.string().meta({ description: 'The sequence of the event.' }),
    source: z.string().meta({
      description: 'Identifies the data of the event: `/nodes/` followed by the `Inventory-Node`.',
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
    ready: z.boolean().meta({ description: 'Whether this server should receive requests.' }),
    degraded: z.array(z.enum(['storage', 'sync', 'breakers', 'queue'])).meta({
      description: 'The checks that are not ok. While `ready` is true, reads are still served.',
    }),
    checks: z.strictObject({
      storage: z.strictObject({ ...wellness, writes: z.enum(['taken', 'refused']) }),
      sync: z.strictObject({ ...wellness, failing: z.array(z.string()) }),
      breakers: z.strictObject({ ...wellness, open: z.array(z.string()) }),
      queue: z.strictObject({
        ...wellness,
        reads: z.int().min(0),
        writes: z.int().min(0),
        max: z.int().min(1).meta({
          description: 'The limit of each of the two; further requests wait or are refused.',
        }),
      }),
    }),
  })
  .meta({ id: 'Readiness' });

export const livenessSchema = z.strictObject({ status: z.literal('ok') }).meta({ id: 'Liveness' });
