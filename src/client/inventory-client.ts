import { retryOnConflict } from './retry-on-conflict.js';
import { InventoryProblem } from './errors.js';
import { type FollowOptions, follow } from './follow.js';
import {
  type EventsPageOptions,
  type ListOptions,
  type ReadOptions,
  createReads,
} from './inventory-reads.js';
import { type CountedOn, type WriteOptions, createWrites } from './inventory-writes.js';
import { type Retrier, createRetrier } from './retrier.js';
import { type Transport, createTransport } from './transport.js';
import type {
  Adjust,
  BatchOperation,
  Count,
  CreateReservation,
  MovedRecord,
  Reservation,
  Reserve,
  SettleLine,
  StockName,
  StockRecord,
  Transfer,
} from './wire-types.js';
import { type Environment, nodeEnvironment } from './environment.js';

export interface ClientOptions {
  /** Where the service is: `http://127.0.0.1:3000`. */
  readonly url: string;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long one attempt may take, in ms; default 30 s. */
  readonly attemptTimeoutMs?: number;
  /**
   * How long one question is asked again and again before NoAnswerError, in ms; default 60 s. Keep
   * it below the time for which the service keeps keys (IDEMP_TTL_MS).
   */
  readonly retryForMs?: number;
  /** The first pause between two attempts and the longest, in ms; default 100 ms and 5 s. */
  readonly backoffBaseMs?: number;
  readonly backoffMaxMs?: number;
  /** A stream of events that is silent for so long, in ms, is dead; default 30 s. */
  readonly silenceMaxMs?: number;
  /** In place of HTTP, except for the stream of events. */
  readonly transport?: Transport;
  /** In place of real time and randomness. */
  readonly environment?: Environment;
}

/** What is to become of a record: so many units more or less, or a count. */
export type Change = Omit<Adjust, 'expectedVersion'> | Count;

/**
 * A client of the inventory service. Every write carries an idempotency key and is asked until it
 * is answered: after 429, 503, a lost connection or no answer at all it is sent again with the same
 * key, and the service executes it once. What the service refuses is thrown as InventoryProblem;
 * a question without an answer ends with NoAnswerError.
 */
export class InventoryClient {
  /** What the rest is made of: questions, attempts and the pauses between them. */
  readonly retrier: Retrier;
  readonly #reads: ReturnType<typeof createReads>;
  readonly #writes: ReturnType<typeof createWrites>;
  readonly #environment: Environment;
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    const { url, headers = {}, attemptTimeoutMs = 30_000, retryForMs = 60_000 } = options;
    const { backoffBaseMs = 100, backoffMaxMs = 5_000, environment = nodeEnvironment } = options;
    const transport =
      options.transport ?? createTransport({ url, headers, attemptTimeoutMs, environment });
    this.#options = options;
    this.#environment = environment;
    const policy = { retryForMs, backoffBaseMs, backoffMaxMs };
    this.retrier = createRetrier(transport, policy, environment);
    this.#reads = createReads(this.retrier);
    this.#writes = createWrites(this.retrier, environment);
  }

  /** Undefined: there is no such record. `at`: as it was then, at a sequence or a time. */
  record(name: StockName, options?: ReadOptions & { readonly at?: string | number }) {
    return this.#reads.record(name, options);
  }

  /** All that a store has, in the order of the SKUs. */
  records(storeId: string, options?: ListOptions) {
    return this.#reads.records(storeId, options);
  }

  /** What happened to one record, newest first. */
  history(name: StockName, options?: ListOptions) {
    return this.#reads.history(name, options);
  }

  /** Undefined: unknown, or closed long ago. */
  reservation(id: string, options?: ReadOptions) {
    return this.#reads.reservation(id, options);
  }

  /** Those with this reference. */
  reservations(reference: string, options?: ListOptions) {
    return this.#reads.reservations(reference, options);
  }

  /** Creates an unknown record, where `delta` is positive. */
  adjust<Found = never>(name: StockName, body: Adjust, options?: WriteOptions<Found>) {
    return this.#writes.adjust(name, body, options);
  }

  /** A stock-take: `on` is the version that was counted on. */
  count<Found = never>(name: StockName, body: Count, on: CountedOn, options?: WriteOptions<Found>) {
    return this.#writes.count(name, body, on, options);
  }

  reserve<Found = never>(name: StockName, body: Reserve, options?: WriteOptions<Found>) {
    return this.#writes.reserve(name, body, options);
  }

  /** An order of several lines: all of them or none. */
  createReservation<Found = never>(body: CreateReservation, options?: WriteOptions<Found>) {
    return this.#writes.createReservation(body, options);
  }

  /** Sold: all that is still held, or `lines` of it. */
  commit<Found = never>(id: string, lines?: readonly SettleLine[], options?: WriteOptions<Found>) {
    return this.#writes.settle(id, 'commit', lines, options);
  }

  /** Free again: all that is still held, or `lines` of it. */
  release<Found = never>(id: string, lines?: readonly SettleLine[], options?: WriteOptions<Found>) {
    return this.#writes.settle(id, 'release', lines, options);
  }

  /** The hold lasts for `ttlMs` from now. */
  extend<Found = never>(id: string, ttlMs: number, options?: WriteOptions<Found>) {
    return this.#writes.extend(id, ttlMs, options);
  }

  transfer<Found = never>(body: Transfer, options?: WriteOptions<Found>) {
    return this.#writes.transfer(body, options);
  }

  /** All operations or none. */
  batch<Found = never>(operations: readonly BatchOperation[], options?: WriteOptions<Found>) {
    return this.#writes.batch(operations, options);
  }

  /** Each operation on its own; one may be refused, or not executed (503), where others are done. */
  batchEach(operations: readonly BatchOperation[], { signal }: ReadOptions = {}) {
    return this.#writes.batchEach(operations, signal);
  }

  /**
   * Holds the lines while `work` runs; then they are sold, or free again where it throws. The keys
   * follow from one: with your own `idempotencyKey` it goes on where an earlier call was cut off.
   * Where that hold is over already, by a release, its expiry or its sale, `work` does not run: it
   * throws InventoryProblem 'reservation-not-active', and `reservationStatus` says which. Another
   * attempt is another hold, and needs another key.
   */
  async hold<T>(
    order: CreateReservation,
    work: (reservation: Reservation) => Promise<T>,
    {
      idempotencyKey = this.#environment.newId(),
      signal,
    }: Omit<WriteOptions, 'lookUp' | 'inDoubt'> = {},
  ): Promise<T> {
    const keyed = (suffix: string) => ({
      idempotencyKey: idempotencyKey + suffix,
      ...(signal !== undefined && { signal }),
    });
    const { reservation: made, isReplayed } = await this.#writes.hold(order, keyed(''));
    // Where it cannot be told what became of it since, it is left as it is.
    const reservation = isReplayed ? await this.#stillActive(made, signal && { signal }) : made;
    let result: T;
    try {
      result = await work(reservation);
    } catch (error) {
      const key = { idempotencyKey: `${idempotencyKey}:release` };
      await this.release(reservation.id, undefined, key).catch((second: unknown) => {
        throw new AggregateError([error, second], 'it failed, and so did the release of the hold');
      });
      throw error;
    }
    await this.commit(reservation.id, undefined, keyed(':commit'));
    return result;
  }

  async #stillActive(made: Reservation, options?: ReadOptions): Promise<Reservation> {
    const now = await this.reservation(made.id, options);
    if (now?.status === 'active') return now;
    throw new InventoryProblem({
      ...{
        type: '/problems/reservation-not-active',
        title: 'The reservation is over',
        status: 409,
      },
      code: 'reservation-not-active',
      detail: 'The key was used before, and what it held is over.',
      ...{ instance: `/api/reservations/${made.id}`, requestId: '' },
      ...(now !== undefined && { reservationStatus: now.status }),
    });
  }

  /**
   * Read, decide, write: `decide` sees the record (undefined: there is none yet) and says what is to
   * become of it, again and again where others come between. Undefined: nothing; and so it resolves.
   */
  change(
    name: StockName,
    decide: (record: StockRecord | undefined) => Change | undefined | Promise<Change | undefined>,
    options: ReadOptions = {},
  ): Promise<MovedRecord | undefined> {
    return retryOnConflict(this.#environment, async () => {
      const record = await this.record(name, options);
      const change = await decide(record);
      if (change === undefined) return undefined;
      if ('onHand' in change) return this.count(name, change, record?.version ?? 'none', options);
      if (record !== undefined) {
        return this.adjust(name, { ...change, expectedVersion: record.version }, options);
      }
      const { delta, ...note } = change;
      return this.count(name, { onHand: delta, ...note }, 'none', options);
    });
  }

  /** Every event behind `after`, once and in order, and then what comes: see `follow`. */
  events(options: FollowOptions = {}) {
    const { url, headers = {}, silenceMaxMs = 30_000 } = this.#options;
    const { backoffBaseMs = 100, backoffMaxMs = 5_000 } = this.#options;
    const environment = this.#environment;
    return follow(
      { url, headers, environment, backoffBaseMs, backoffMaxMs, silenceMaxMs },
      options,
    );
  }

  /** One page of the same. */
  eventsPage(options?: EventsPageOptions) {
    return this.#reads.eventsPage(options);
  }

  /** Where the log stands: from here on, `events({ after: sequence, node })` tells what is new. */
  position(options?: ReadOptions) {
    return this.#reads.position(options);
  }
}
