import { retryOnConflict } from './retry-on-conflict.js';
import { type HoldOptions, holdWhile } from './hold.js';
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
  /** URL of the service, such as `http://127.0.0.1:3000`. */
  readonly url: string;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long one attempt may take, in ms; default 30 s. */
  readonly attemptTimeoutMs?: number;
  /**
   * How long a request is retried before NoAnswerError, in ms; default 60 s. Keep it below the time
   * for which the service keeps idempotency keys (IDEMP_TTL_MS).
   */
  readonly retryForMs?: number;
  /** The first and the longest pause between two attempts, in ms; default 100 ms and 5 s. */
  readonly backoffBaseMs?: number;
  readonly backoffMaxMs?: number;
  /** An event stream that is silent for this long, in ms, is dead; default 30 s. */
  readonly silenceMaxMs?: number;
  /** Replaces HTTP, except for the event stream. */
  readonly transport?: Transport;
  /** Replaces real time and randomness. */
  readonly environment?: Environment;
}

/** A change of a record: a delta, or a count. */
export type Change = Omit<Adjust, 'expectedVersion'> | Count;

/**
 * A client of the inventory service. Every write has an idempotency key and is retried until it is
 * answered: after 429, 503, a lost connection or a timeout it is sent again with the same key, and
 * the service executes it once. A refusal is thrown as InventoryProblem; a request that gets no
 * answer ends with NoAnswerError.
 */
export class InventoryClient {
  /** The basis of all methods: requests, their attempts and the pauses between them. */
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

  /** Undefined: there is no such record. `at`: the record as it was at a sequence or time. */
  record(name: StockName, options?: ReadOptions & { readonly at?: string | number }) {
    return this.#reads.record(name, options);
  }

  /** All records of a store, in SKU order. */
  records(storeId: string, options?: ListOptions) {
    return this.#reads.records(storeId, options);
  }

  /** The events of one record, newest first. */
  history(name: StockName, options?: ListOptions) {
    return this.#reads.history(name, options);
  }

  /** Undefined: unknown, or closed long ago. */
  reservation(id: string, options?: ReadOptions) {
    return this.#reads.reservation(id, options);
  }

  /** The reservations with this reference. */
  reservations(reference: string, options?: ListOptions) {
    return this.#reads.reservations(reference, options);
  }

  /** Creates an unknown record if `delta` is positive. */
  adjust<Found = never>(name: StockName, body: Adjust, options?: WriteOptions<Found>) {
    return this.#writes.adjust(name, body, options);
  }

  /** A stock-take: `on` is the version that the count is based on. */
  count<Found = never>(name: StockName, body: Count, on: CountedOn, options?: WriteOptions<Found>) {
    return this.#writes.count(name, body, on, options);
  }

  reserve<Found = never>(name: StockName, body: Reserve, options?: WriteOptions<Found>) {
    return this.#writes.reserve(name, body, options);
  }

  /** A reservation of several lines: all of them or none. */
  createReservation<Found = never>(body: CreateReservation, options?: WriteOptions<Found>) {
    return this.#writes.createReservation(body, options);
  }

  /** Marks all that is still held, or `lines` of it, as sold. */
  commit<Found = never>(id: string, lines?: readonly SettleLine[], options?: WriteOptions<Found>) {
    return this.#writes.settle(id, 'commit', lines, options);
  }

  /** Makes all that is still held, or `lines` of it, available again. */
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

  /** Each operation on its own: one may be refused, or not executed (503), while others succeed. */
  batchEach(operations: readonly BatchOperation[], { signal }: ReadOptions = {}) {
    return this.#writes.batchEach(operations, signal);
  }

  /**
   * Holds the lines while `work` runs, then commits them, or releases them if it throws. All keys
   * derive from one: with your own `idempotencyKey` (247 characters at most) a call goes on where an
   * earlier one stopped. If that hold is already over (released, expired or committed), `work` does
   * not run and the call throws InventoryProblem 'reservation-not-active'; `reservationStatus` says
   * which. A new attempt is a new hold, and needs a new key.
   */
  hold<T>(
    order: CreateReservation,
    work: (reservation: Reservation) => Promise<T>,
    options: HoldOptions = {},
  ): Promise<T> {
    const { idempotencyKey = this.#environment.newId(), signal } = options;
    return holdWhile(
      {
        create: (key) => this.#writes.hold(order, key),
        read: (id, read) => this.reservation(id, read),
        commit: (id, key) => this.commit(id, undefined, key),
        release: (id, key) => this.release(id, undefined, key),
      },
      work,
      { idempotencyKey, ...(signal !== undefined && { signal }) },
    );
  }

  /**
   * Reads, decides and writes: `decide` gets the record (undefined: there is none yet) and returns
   * its change, again after every conflict with another write. If it returns undefined, nothing is
   * written, and `change` resolves with undefined.
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

  /** Every event after `after`, once and in order, and then new ones: see `follow`. */
  events(options: FollowOptions = {}) {
    const { url, headers = {}, silenceMaxMs = 30_000 } = this.#options;
    const { backoffBaseMs = 100, backoffMaxMs = 5_000 } = this.#options;
    const environment = this.#environment;
    return follow(
      { url, headers, environment, backoffBaseMs, backoffMaxMs, silenceMaxMs },
      options,
    );
  }

  /** One page of the same events. */
  eventsPage(options?: EventsPageOptions) {
    return this.#reads.eventsPage(options);
  }

  /** The end of the log: `events({ after: sequence, node })` yields what is new from there. */
  position(options?: ReadOptions) {
    return this.#reads.position(options);
  }
}
