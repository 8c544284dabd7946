import type { InventoryEvent } from '../domain/events.js';
import { UnavailableError } from '../domain/errors.js';
import { type StockKey, type StockName, stockKey } from '../domain/keys.js';
import { type StockRecord, type StoredReservation, isDue, isForgotten } from '../domain/stock.js';
import type { InventoryService } from './inventory-service.js';
import type { DurableInventory, HoldPosition } from './ports.js';
import { type Moment, createRecordHistory } from './record-history.js';

export interface Page<Position> {
  readonly after: Position | undefined;
  readonly limit: number;
}

/**
 * Reads for clients: durable state, with every due hold settled first, so that versions and
 * quantities change together. If nothing is due, a read never waits for a write.
 */
export interface InventoryQueries {
  record(name: StockName): Promise<StockRecord | undefined>;
  recordsOf(storeId: string, page: Page<string>): Promise<readonly StockRecord[]>;
  reservation(id: string): Promise<StoredReservation | undefined>;
  reservationsOf(reference: string, page: Page<string>): Promise<readonly StoredReservation[]>;
  holdsOf(name: StockName, page: Page<HoldPosition>): Promise<readonly StoredReservation[]>;
  /**
   * Newest first, starting before the event `after` (at the newest if undefined); fewer than
   * `limit` if the events are large. Resolves with undefined if `after` is not a durable event of
   * this record.
   */
  history(name: StockName, page: Page<number>): Promise<readonly InventoryEvent[] | undefined>;
  /** The past record, from the log; undefined: it did not exist; 'not-yet': the future. */
  recordAt(name: StockName, moment: Moment): Promise<StockRecord | undefined | 'not-yet'>;
}

/** Longer than any write waits for its sync on a working disk, in ms. */
const RECENT_MS = 60_000;

const UNSETTLED_RETRY_MS = 1_000;

/** While nothing can be written, reads go on: they show durable state, due holds included. */
function unlessUnavailable(error: unknown): void {
  if (!(error instanceof UnavailableError)) throw error;
}

/** With 'storage-unavailable' nothing is pending that could still become durable. */
function unlessUnwritable(error: unknown): void {
  if (error instanceof UnavailableError && error.code === 'storage-unavailable') return;
  throw error;
}

export function createInventoryQueries(
  inventory: DurableInventory,
  service: Pick<InventoryService, 'settleRecords'>,
): InventoryQueries {
  const history = createRecordHistory(inventory);

  /** Usually nothing is due, which takes one comparison to find out. */
  async function settledFirst(keys: () => readonly StockKey[] | Promise<readonly StockKey[]>) {
    const next = await inventory.nextExpiry();
    const now = inventory.now();
    if (next === undefined || next > now) return;
    const due: StockKey[] = [];
    for (const key of await keys()) {
      const [first] = await inventory.holdsOf(key, { after: undefined, limit: 1 });
      if (first !== undefined && isDue(first, now)) due.push(key);
    }
    if (due.length > 0) await service.settleRecords(due).catch(unlessUnavailable);
  }

  function known(reservation: StoredReservation | undefined): StoredReservation | undefined {
    return reservation && !isForgotten(reservation, inventory.now()) ? reservation : undefined;
  }

  async function knownOf(reference: string, page: Page<string>): Promise<StoredReservation[]> {
    const kept: StoredReservation[] = [];
    let { after } = page;
    for (;;) {
      const limit = page.limit - kept.length;
      const found = await inventory.reservationsOf(reference, { after, limit });
      kept.push(...found.filter((reservation) => known(reservation) !== undefined));
      // Forgotten reservations must not make a page short: that would mean the end of the list.
      if (found.length < limit || kept.length === page.limit) return kept;
      after = found.at(-1)?.id;
    }
  }

  return {
    async record(name) {
      const key = stockKey(name);
      await settledFirst(() => [key]);
      return await inventory.record(key);
    },
    async recordsOf(storeId, page) {
      await settledFirst(async () => (await inventory.recordsOf(storeId, page)).map(stockKey));
      return await inventory.recordsOf(storeId, page);
    },
    async reservation(id) {
      await settledFirst(async () => {
        const found = known(await inventory.reservation(id));
        return found?.lines.map(stockKey) ?? [];
      });
      return known(await inventory.reservation(id));
    },
    async reservationsOf(reference, page) {
      await settledFirst(async () => {
        const found = await knownOf(reference, page);
        return found.flatMap(({ lines }) => lines.map(stockKey));
      });
      return await knownOf(reference, page);
    },
    async holdsOf(name, page) {
      const key = stockKey(name);
      await settledFirst(() => [key]);
      return await inventory.holdsOf(key, page);
    },
    async history(name, page) {
      const key = stockKey(name);
      await settledFirst(() => [key]);
      return await history.events(key, page);
    },
    async recordAt(name, moment) {
      const key = stockKey(name);
      await settledFirst(() => [key]);
      if ('time' in moment) {
        const agoMs = inventory.now() - moment.time;
        // The present millisecond may get more events.
        if (agoMs <= 0) return 'not-yet';
        // Events of that time may not be durable yet: the same query must not have two answers.
        if (agoMs < RECENT_MS) await service.settleRecords([key]).catch(unlessUnwritable);
        // While nothing can be written, the expiry of a hold due by then is not recorded yet.
        const [first] = await inventory.holdsOf(key, { after: undefined, limit: 1 });
        if (first !== undefined && isDue(first, moment.time)) {
          throw new UnavailableError('storage-unavailable', UNSETTLED_RETRY_MS);
        }
      } else if (moment.sequence > inventory.durableSequence()) return 'not-yet';
      return await history.recordAt(key, moment);
    },
  };
}
