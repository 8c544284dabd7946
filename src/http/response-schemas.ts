import { z } from 'zod';
import { reservationIdSchema, skuSchema, storeIdSchema, versionSchema } from './name-schemas.js';
import { PROBLEMS } from './problem.js';

// What answers look like, for the API description, for types and for tests: answers are rendered
// by hand (wire-json.ts) and not checked while the service runs.

const timeSchema = z.iso
  .datetime({ precision: 3 })
  .meta({ id: 'Time', example: '2025-11-03T09:30:00.000Z' });
const unitsSchema = z.int().min(0);
const sequenceSchema = z
  .int()
  .min(1)
  .meta({ id: 'Sequence', description: 'The place of an event in the log: 1, 2, 3, no gaps.' });
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
  status: z
    .enum(['active', 'committed', 'released', 'expired'])
    .meta({ description: 'Closed with `committed` if any unit was.' }),
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

export const reservationSchema = z.strictObject(reservationMembers).meta({ id: 'Reservation' });

export const storedReservationSchema = z
  .strictObject({
    ...reservationMembers,
    sequences: z.array(sequenceSchema).meta({ description: 'The events of its life.' }),
  })
  .meta({ id: 'StoredReservation' });

export const eventSchema = z
  .strictObject({
    sequence: sequenceSchema,
    type: z.enum([
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
    ]),
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

export const problemSchema = z
  .strictObject({
    type: z.string().meta({ example: '/problems/insufficient-stock' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.enum(Object.keys(PROBLEMS) as (keyof typeof PROBLEMS)[]),
    requestId: z.string(),
    errors: z.array(z.strictObject({ pointer: z.string(), detail: z.string() })).exactOptional(),
    expectedVersion: z.int().exactOptional(),
    currentVersion: z.int().exactOptional().meta({ description: '0: there is no such record.' }),
    reservationStatus: reservationMembers.status.exactOptional(),
    lines: z
      .array(
        z.strictObject({
          ...stockName,
          requested: unitsSchema,
          available: unitsSchema,
          version: z.int().min(0),
        }),
      )
      .exactOptional(),
    earliestExpiry: timeSchema.exactOptional(),
    operation: z
      .int()
      .exactOptional()
      .meta({ description: 'Of an atomic batch: the index of the operation that was refused.' }),
  })
  .meta({ id: 'Problem' });

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

export const batchResultsSchema = z
  .strictObject({
    results: z.array(
      z.strictObject({
        status: z.int(),
        record: record.exactOptional(),
        reservation: reservation.exactOptional(),
        sequence: sequence.exactOptional(),
        problem: problemSchema.exactOptional(),
      }),
    ),
    sequence: sequence.exactOptional().meta({ description: 'The highest; none: none happened.' }),
  })
  .meta({ id: 'BatchResults' });

const nextCursor = z.string().nullable().meta({ description: 'null: there is no more.' });

export const stockPageSchema = z.strictObject({ items: records, nextCursor });
export const reservationPageSchema = z.strictObject({ items: z.array(reservation), nextCursor });
export const eventPageSchema = z.strictObject({ items: z.array(eventSchema), nextCursor });

export const healthSchema = z
  .strictObject({
    status: z.literal('ok'),
    uptime: z.number().meta({ description: 'Seconds since the start.' }),
    timestamp: timeSchema,
    version: z.string(),
  })
  .meta({ id: 'Health' });

export const livenessSchema = z.strictObject({ status: z.literal('ok') }).meta({ id: 'Liveness' });
