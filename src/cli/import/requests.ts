import { z } from 'zod';
import type { InventoryClient } from '../../client/inventory-client.js';
import type { Doubt } from '../../client/retrier.js';
import type { BatchOperation, OperationRefused } from '../../client/wire-types.js';
import { type Decision, decisionOf } from './decision.js';
import { ImportError } from './import-error.js';
import type { AdjustStep, OrderStep } from './step.js';

/** A step and its `reference`, which the service keeps with the event for good. */
export interface Named<S> {
  readonly step: S;
  readonly reference: string;
}

const sequence = z.int().min(1);
const movedSchema = z.object({ sequence });
const reservedSchema = z.object({ sequence, reservation: z.object({ id: z.string().min(1) }) });

export type Moved = z.infer<typeof movedSchema>;
export interface Reserved {
  readonly sequence: number;
  readonly reservationId: string;
}

// A wrong URL may lead to another service that answers with JSON, so answers are validated.

export function adjust(
  client: InventoryClient,
  { step, reference }: Named<AdjustStep>,
  doubt: Doubt<Moved>,
): Promise<Decision<Moved>> {
  const { storeId, sku, delta, purpose } = step;
  const body = { delta, reason: purpose, reference };
  const options = { idempotencyKey: reference, ...doubt };
  const asked = client.adjust(step, body, options);
  return decisionOf(
    asked.then((answer) => readAs(movedSchema, answer, `the adjustment of ${storeId}/${sku}`)),
  );
}

export function reserve(
  client: InventoryClient,
  { step, reference }: Named<OrderStep>,
  doubt: Doubt<Reserved>,
): Promise<Decision<Reserved>> {
  const options = { idempotencyKey: reference, ...doubt };
  const asked = client.createReservation({ lines: step.lines, reference }, options);
  return decisionOf(
    asked.then((answer) => {
      if ('reservationId' in answer) return answer;
      const held = readAs(reservedSchema, answer, `the reservation of ${step.id}`);
      return { sequence: held.sequence, reservationId: held.reservation.id };
    }),
  );
}

export function commit(
  client: InventoryClient,
  { step, reference }: Named<OrderStep>,
  { reservationId, ...doubt }: Doubt<Moved> & { readonly reservationId: string },
): Promise<Decision<Moved>> {
  const options = { idempotencyKey: `${reference}:commit`, ...doubt };
  const asked = client.commit(reservationId, undefined, options);
  return decisionOf(
    asked.then((answer) => readAs(movedSchema, answer, `the commit of ${step.id}`)),
  );
}

const batchSchema = z.object({
  results: z.array(
    z.object({
      status: z.int(),
      sequence: sequence.exactOptional(),
      problem: z
        .looseObject({ code: z.string(), detail: z.string() })
        .transform((problem) => problem as unknown as OperationRefused['problem'])
        .exactOptional(),
    }),
  ),
});

export type BatchResult = z.infer<typeof batchSchema>['results'][number];

/** Each operation on its own, with its own key. */
export function batchRequest(changes: readonly Named<AdjustStep>[]) {
  const operations = changes.map(({ step, reference }): BatchOperation => {
    const { storeId, sku, delta, purpose } = step;
    const note = { reason: purpose, reference, idempotencyKey: reference };
    return { op: 'adjust', storeId, sku, delta, ...note };
  });
  const body = { atomic: false, operations };
  return { method: 'POST', path: '/api/inventory/batch', body } as const;
}

/** Pairs each change with its result: the service answers in order. */
export function readBatch<C>(body: unknown, changes: readonly C[]) {
  const { results } = readAs(batchSchema, body, 'the batch');
  return changes.map((change, index) => {
    const result = results[index];
    if (result !== undefined) return { change, result };
    throw new ImportError(`the service answered ${results.length} of ${changes.length} operations`);
  });
}

function readAs<T>(schema: z.ZodType<T>, body: unknown, what: string): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new ImportError(`the answer to ${what} does not have the format of this service`);
}
