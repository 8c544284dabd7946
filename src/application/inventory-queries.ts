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
 * What clients read: durable state, with every due hold settled first, so that the version and the
 * numbers move together. Where nothing is due a read never waits for a write.
 */
export interface InventoryQueries {
  record(name: StockName): Promise<StockRecord | undefined>;
  recordsOf(storeId: string, page: Page<string>): Promise<readonly StockRecord[]>;
  reservation(id: string): Promise<StoredReservation | undefined>;
  reservationsOf(reference: string, page: Page<string>): Promise<readonly StoredReservation[]>;
  holdsOf(name: StockName, page: Page<HoldPosition>): Promise<readonly StoredReservation[]>;
  /**
   * Newest first, from the one before the event `after` (from the newest where undefined); fewer
   * than `limit` where the events are large. Resolves with undefined where `after` is no durable
   * event of this record.
   */
  history(name: StockName, page: Page<number>): Promise<readonly InventoryEvent[] | undefined>;
  /** The record as it was, from the log; undefined: it was not there; the future is 'not-yet'. */
  recordAt(name: StockName, moment: Moment): Promise<StockRecord | undefined | 'not-yet'>;
}

/** Longer than any write waits for its sync on a disk that works. */
const RECENT_MS = 60_000;

const UNSETTLED_RETRY_MS = 1_000;

/** Where nothing can be written, reads go on: they show what is durable, due holds included. */
function unlessUnavailable(error: unknown): void {
  if (!(error instanceof UnavailableError)) throw error;
}

/** Then nothing is pending that could still become durable. */
function unlessUnwritable(error: unknown): void {
  if (error instanceof UnavailableError && error.code === 'storage-unavailable') return;
  throw error;
}

export function createInventoryQueries(
  inventory: DurableInventory,
  service: Pick<InventoryService, 'settleRecords'>,
): InventoryQueries {
  const history = createRecordHistory(inventory);

  /** Nothing is due most of the time, and one comparison tells. */
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
      // What is forgotten must not make a page short: that would say that the list ends here.
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
        // Of this very millisecond more may come.
        if (agoMs <= 0) return 'not-yet';
        // What was decided then may not be durable yet: the same question must not have two answers.
        if (agoMs < RECENT_MS) await service.settleRecords([key]).catch(unlessUnwritable);
        // Where nothing can be written a hold that was over then is still to be recorded as that.
        const [first] = await inventory.holdsOf(key, { after: undefined, limit: 1 });
        if (first !== undefined && isDue(first, moment.time)) {
          throw new UnavailableError('storage-unavailable', UNSETTLED_RETRY_MS);
        }
      } else if (moment.sequence > inventory.durableSequence()) return 'not-yet';
      return await history.recordAt(key, moment);
    },
  };
}
