import { z } from 'zod';
import type { StockName } from '../../domain/keys.js';
import { type ApiRequest, problemSchema } from './api-client.js';
import { ImportError } from './import-error.js';
import type { Question } from './patience.js';
import type { AdjustStep, OrderStep } from './step.js';

/** A change as the service records it; `reference` stays with its event for good. */
export interface Named<S> {
  readonly step: S;
  readonly reference: string;
}

const sequence = z.int().min(1);
const movedSchema = z.object({ sequence });
const reservedSchema = z
  .object({ sequence, reservation: z.object({ id: z.string().min(1) }) })
  .transform(({ sequence, reservation }) => ({ sequence, reservationId: reservation.id }));
const batchSchema = z.object({
  results: z.array(
    z.object({
      status: z.int(),
      sequence: sequence.nullish(),
      problem: problemSchema.nullish(),
    }),
  ),
});

export type Moved = z.infer<typeof movedSchema>;
export type Reserved = z.infer<typeof reservedSchema>;
export type BatchResult = z.infer<typeof batchSchema>['results'][number];

export function adjustQuestion({ step, reference }: Named<AdjustStep>): Question<Moved> {
  const { storeId, sku, delta, purpose } = step;
  return {
    request: {
      method: 'POST',
      path: `${recordPath(step)}/adjust`,
      body: { delta, reason: purpose, reference },
      idempotencyKey: reference,
    },
    read: (body) => readAs(movedSchema, body, `the adjustment of ${storeId}/${sku}`),
  };
}

export function reserveQuestion({ step, reference }: Named<OrderStep>): Question<Reserved> {
  return {
    request: {
      method: 'POST',
      path: '/api/reservations',
      body: { lines: step.lines, reference },
      idempotencyKey: reference,
    },
    read: (body) => readAs(reservedSchema, body, `the reservation of ${step.id}`),
  };
}

export function commitQuestion(
  { step, reference }: Named<OrderStep>,
  reservationId: string,
): Question<Moved> {
  return {
    request: {
      method: 'POST',
      path: `/api/reservations/${encodeURIComponent(reservationId)}/commit`,
      idempotencyKey: `${reference}:commit`,
    },
    read: (body) => readAs(movedSchema, body, `the commit of ${step.id}`),
  };
}

/** Each operation on its own, with a key of its own. */
export function batchRequest(changes: readonly Named<AdjustStep>[]): ApiRequest {
  const operations = changes.map(({ step, reference }) => {
    const { storeId, sku, delta, purpose } = step;
    const note = { reason: purpose, reference, idempotencyKey: reference };
    return { op: 'adjust', storeId, sku, delta, ...note };
  });
  return { method: 'POST', path: '/api/inventory/batch', body: { atomic: false, operations } };
}

/** Pairs each change with what came of it: the service answers in order. */
export function readBatch<C>(body: unknown, changes: readonly C[]) {
  const { results } = readAs(batchSchema, body, 'the batch');
  return changes.map((change, index) => {
    const result = results[index];
    if (result !== undefined) return { change, result };
    throw new ImportError(`the service answered ${results.length} of ${changes.length} operations`);
  });
}

export function recordPath({ storeId, sku }: StockName): string {
  return `${storePath(storeId)}/${encodeURIComponent(sku)}`;
}

export function storePath(storeId: string): string {
  return `/api/inventory/stores/${encodeURIComponent(storeId)}/inventory`;
}

export function readAs<T>(schema: z.ZodType<T>, body: unknown, what: string): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new ImportError(`${what} has an answer of a form that is not this service's`);
}
