import { z } from 'zod';

// The values in responses and problem documents, besides names and quantities.

export const timeSchema = z.iso
  .datetime({ precision: 3 })
  .meta({ id: 'Time', example: '2025-11-03T09:30:00.000Z' });

export const unitsSchema = z.int().min(0);

export const sequenceSchema = z.int().min(1).meta({
  id: 'Sequence',
  description: 'The position of an event in the log: 1, 2, 3, without gaps.',
});

export const reservationStatusSchema = z.enum(['active', 'committed', 'released', 'expired']).meta({
  id: 'ReservationStatus',
  description: 'A closed reservation is `committed` if any unit was.',
});
