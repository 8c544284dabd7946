import { InventoryProblem, UnexpectedAnswerError } from './errors.js';
import type { Outcome, Retrier } from './retrier.js';
import { recordPath, reservationPath, storePath } from './paths.js';
import type {
  FeedPage,
  Page,
  Reservation,
  StockEvent,
  StockName,
  StockRecord,
  StoredReservation,
} from './wire-types.js';

export interface ReadOptions {
  readonly signal?: AbortSignal;
}

export interface ListOptions extends ReadOptions {
  /** Items on the first page; later pages grow. */
  readonly pageSize?: number;
}

/** The end of a log: the node whose data it is of, and its last event. */
export interface Position {
  readonly node: string;
  /** 0: the log is empty. */
  readonly sequence: number;
}

const PAGE_ITEMS_MAX = 1_000;
const PAGE_GROWTH = 4;

export function createReads(retrier: Retrier) {
  function read(path: string, { signal }: ReadOptions): Promise<Outcome<never>> {
    return retrier.ask({ method: 'GET', path, signal });
  }

  async function readOrNothing<T>(
    path: string,
    unknown: string,
    options: ReadOptions,
  ): Promise<T | undefined> {
    try {
      return bodyOf(await read(path, options)) as T;
    } catch (error) {
      if (error instanceof InventoryProblem && error.code === unknown) return undefined;
      throw error;
    }
  }

  async function* items<Item>(
    path: string,
    query: Readonly<Record<string, string>>,
    { pageSize = PAGE_ITEMS_MAX, ...options }: ListOptions,
  ): AsyncGenerator<Item, void, undefined> {
    let limit = pageSize;
    let cursor: string | null = null;
    do {
      const all = { ...query, limit: String(limit), ...(cursor !== null && { cursor }) };
      const parameters = new URLSearchParams(all).toString();
      const page = bodyOf(await read(`${path}?${parameters}`, options)) as Page<Item>;
      yield* page.items;
      cursor = page.nextCursor;
      limit = Math.min(limit * PAGE_GROWTH, PAGE_ITEMS_MAX);
    } while (cursor !== null);
  }

  return {
    record: (name: StockName, options: ReadOptions & { at?: string | number } = {}) => {
      const at = options.at === undefined ? '' : `?at=${encodeURIComponent(options.at)}`;
      return readOrNothing<StockRecord>(recordPath(name) + at, 'stock-not-found', options);
    },
    reservation: (id: string, options: ReadOptions = {}) =>
      readOrNothing<StoredReservation>(reservationPath(id), 'reservation-not-found', options),
    records: (storeId: string, options: ListOptions = {}) =>
      items<StockRecord>(storePath(storeId), {}, options),
    reservations: (reference: string, options: ListOptions = {}) =>
      items<Reservation>('/api/reservations', { reference }, options),
    history: (name: StockName, options: ListOptions = {}) =>
      items<StockEvent>(`${recordPath(name)}/events`, {}, options),
    async eventsPage({ after = 0, limit = PAGE_ITEMS_MAX, signal }: EventsPageOptions = {}) {
      const path = `/api/events?after=${after}&limit=${limit}`;
      return bodyOf(await read(path, signal === undefined ? {} : { signal })) as FeedPage;
    },
    async position({ signal }: ReadOptions = {}): Promise<Position> {
      const request = { method: 'HEAD', path: '/api/events', signal } as const;
      const answer = await retrier.ask(request);
      const headers = answer.kind === 'ok' ? answer.headers : undefined;
      const node = headers?.get('Inventory-Node') ?? undefined;
      const sequence = Number(headers?.get('Inventory-Sequence') ?? NaN);
      if (node !== undefined && Number.isSafeInteger(sequence)) return { node, sequence };
      throw new UnexpectedAnswerError('the service did not say where its log stands');
    },
  };
}

export interface EventsPageOptions extends ReadOptions {
  readonly after?: number;
  readonly limit?: number;
}

/** Checks only that the body is an object: the service keeps to its description. */
export function bodyOf(answer: Outcome<never>): object {
  const body = answer.kind === 'ok' ? answer.body : undefined;
  if (typeof body === 'object' && body !== null) return body;
  throw new UnexpectedAnswerError('the service answered without a JSON object');
}
