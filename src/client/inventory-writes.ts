import { batchEach } from './batch-each.js';
import { bodyOf } from './inventory-reads.js';
import type { Outcome, Retrier, Doubt } from './retrier.js';
import type { Environment } from './environment.js';
import { recordPath, reservationPath } from './paths.js';
import type { Accepted, WireRequest } from './transport.js';
import type {
  Adjust,
  BatchOperation,
  BatchResults,
  Count,
  CreateReservation,
  HeldRecord,
  MovedRecord,
  OperationDone,
  Reserve,
  SettleLine,
  SettledReservation,
  StockName,
  Transfer,
  Transferred,
} from './wire-types.js';

export interface WriteOptions<Found = never> extends Doubt<Found> {
  /** Your own key, to get the same outcome again later; by default a new one is made. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

/** The version that the count is based on; 'none': there must be no such record yet. */
export type CountedOn = number | 'none' | 'any';

type Action = Pick<WireRequest, 'method' | 'path' | 'body' | 'headers'>;

/** Every write has a key, so that it can be sent again. */
export function createWrites(retrier: Retrier, environment: Environment) {
  function ask<Found = never>(
    action: Action,
    { idempotencyKey, signal, ...doubt }: WriteOptions<Found> = {},
  ): Promise<Outcome<Found>> {
    const key = idempotencyKey ?? environment.newId();
    return retrier.ask<Found>({ ...action, idempotencyKey: key, signal }, doubt);
  }

  async function write<T, Found = never>(
    action: Action,
    options?: WriteOptions<Found>,
  ): Promise<T | Found> {
    const answer = await ask(action, options);
    return answer.kind === 'found' ? answer.found : (bodyOf(answer) as T);
  }

  const post = (path: string, body?: object): Action => ({
    method: 'POST',
    path,
    ...(body !== undefined && { body }),
  });

  return {
    adjust: <Found>(name: StockName, body: Adjust, options?: WriteOptions<Found>) =>
      write<MovedRecord, Found>(post(`${recordPath(name)}/adjust`, body), options),

    count<Found>(name: StockName, body: Count, on: CountedOn, options?: WriteOptions<Found>) {
      const headers = countHeaders(on);
      const action = { method: 'PUT', path: recordPath(name), body, headers } as const;
      return write<MovedRecord, Found>(action, options);
    },

    reserve: <Found>(name: StockName, body: Reserve, options?: WriteOptions<Found>) =>
      write<HeldRecord, Found>(post(`${recordPath(name)}/reserve`, body), options),

    createReservation: <Found>(body: CreateReservation, options?: WriteOptions<Found>) =>
      write<SettledReservation, Found>(post('/api/reservations', body), options),

    /** `isReplayed`: the key was used before, and this is the answer of then; true if in doubt. */
    async hold(body: CreateReservation, options: WriteOptions) {
      const answer = (await ask(post('/api/reservations', body), options)) as Accepted;
      const { reservation } = bodyOf(answer) as SettledReservation;
      const { headers } = answer;
      const isReplayed = headers === undefined || headers.get('Idempotent-Replayed') === 'true';
      return { reservation, isReplayed };
    },

    settle<Found>(
      id: string,
      action: 'commit' | 'release',
      lines?: readonly SettleLine[],
      options?: WriteOptions<Found>,
    ) {
      const body = lines && { lines };
      return write<SettledReservation, Found>(post(reservationPath(id, action), body), options);
    },

    extend: <Found>(id: string, ttlMs: number, options?: WriteOptions<Found>) =>
      write<SettledReservation, Found>(post(reservationPath(id, 'extend'), { ttlMs }), options),

    transfer: <Found>(body: Transfer, options?: WriteOptions<Found>) =>
      write<Transferred, Found>(post('/api/transfers', body), options),

    batch: <Found>(operations: readonly BatchOperation[], options?: WriteOptions<Found>) =>
      write<BatchResults<OperationDone>, Found>(
        post('/api/inventory/batch', { operations }),
        options,
      ),

    /** The operations have the keys, and the request has none. */
    batchEach(operations: readonly BatchOperation[], signal?: AbortSignal) {
      const keyed = operations.map((each) => ({
        ...each,
        idempotencyKey: each.idempotencyKey ?? environment.newId(),
      }));
      return batchEach(retrier, keyed, signal);
    },
  };
}

function countHeaders(on: CountedOn): Readonly<Record<string, string>> {
  if (on === 'none') return { 'If-None-Match': '*' };
  return { 'If-Match': on === 'any' ? '*' : `"${on}"` };
}
