import { assert } from '../assert.js';
import { type InventoryEvent, type StockLine, partsOf } from '../domain/events.js';
import { type StockKey, stockKey } from '../domain/keys.js';
import type { RecordTime, StockRecord } from '../domain/stock.js';
import type { DurableInventory } from './ports.js';

/** A page of events ends once they have this many parts: one batch has thousands. */
const HISTORY_PARTS_MAX = 10_000;

/** A moment in the past: right after an event, or a record time. */
export type Moment = { readonly sequence: number } | { readonly time: RecordTime };

/** The history of single records, read from the log along the links in every line. */
export interface RecordHistory {
  /** Newest first; see InventoryQueries.history. */
  events(
    key: StockKey,
    page: { readonly after: number | undefined; readonly limit: number },
  ): Promise<readonly InventoryEvent[] | undefined>;
  /** The record as it was at that moment; undefined: it did not exist yet. */
  recordAt(key: StockKey, moment: Moment): Promise<StockRecord | undefined>;
}

type HistoryPort = Pick<DurableInventory, 'record' | 'event' | 'durableSequence'>;

export function createRecordHistory(inventory: HistoryPort): RecordHistory {
  async function newest(key: StockKey): Promise<number> {
    return (await inventory.record(key))?.sequence ?? 0;
  }

  async function previousOf(key: StockKey, sequence: number): Promise<number | undefined> {
    if (sequence < 1 || sequence > inventory.durableSequence()) return undefined;
    return findLine(await inventory.event(sequence), key)?.previousSequence;
  }

  /** The oldest event that one link leads to and that is still later than the moment. */
  async function stepBack(line: StockLine, moment: Moment): Promise<number> {
    for (const sequence of [...(line.skips ?? [])].reverse()) {
      const event = await inventory.event(sequence);
      // All expiries that directly follow the moment count (dueUnits): none may be skipped.
      if (isBehind(event, moment) && event.type !== 'ReservationExpired') return sequence;
    }
    return line.previousSequence;
  }

  return {
    async events(key, { after, limit }) {
      let sequence = after === undefined ? await newest(key) : await previousOf(key, after);
      if (sequence === undefined) return undefined;
      const events: InventoryEvent[] = [];
      let parts = 0;
      while (sequence > 0 && events.length < limit && parts < HISTORY_PARTS_MAX) {
        const event: InventoryEvent = await inventory.event(sequence);
        events.push(event);
        parts += partsOf(event);
        sequence = lineOf(event, key).previousSequence;
      }
      return events;
    },
    async recordAt(key, moment) {
      let sequence = await newest(key);
      let expiries: InventoryEvent[] = [];
      while (sequence > 0) {
        const event = await inventory.event(sequence);
        const line = lineOf(event, key);
        if (!isBehind(event, moment)) return asOf(event, line, dueUnits(expiries, key, moment));
        expiries = event.type === 'ReservationExpired' ? [...expiries, event] : [];
        sequence = await stepBack(line, moment);
      }
      return undefined;
    },
  };
}

function isBehind(event: InventoryEvent, moment: Moment): boolean {
  return 'time' in moment ? event.at > moment.time : event.sequence > moment.sequence;
}

/**
 * Units that were due at the moment although their expiry was recorded later: no request touched
 * the record in between, since it would have settled them first. `expiries`: all that directly
 * follow the moment.
 */
function dueUnits(expiries: readonly InventoryEvent[], key: StockKey, moment: Moment): number {
  if (!('time' in moment)) return 0;
  let units = 0;
  for (const { expiresAt, lines } of expiries.flatMap(({ reservations }) => reservations)) {
    if (expiresAt === null || expiresAt > moment.time) continue;
    for (const line of lines) if (stockKey(line) === key) units += line.expired;
  }
  return units;
}

function asOf({ at, sequence }: InventoryEvent, line: StockLine, dueUnits: number): StockRecord {
  const { storeId, sku, onHand, version } = line;
  const reserved = line.reserved - dueUnits;
  return { storeId, sku, onHand, reserved, version, updatedAt: at, sequence };
}

function findLine(event: InventoryEvent, key: StockKey): StockLine | undefined {
  return event.lines.find((each) => stockKey(each) === key);
}

function lineOf(event: InventoryEvent, key: StockKey): StockLine {
  const line = findLine(event, key);
  assert(line !== undefined, `event ${event.sequence} does not move ${key}`);
  return line;
}
