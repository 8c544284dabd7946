import type { VersionDemand } from './commands.js';
import type { Refusal, Shortage } from './errors.js';
import type { EventDraft, RecordedRefusal, VersionRead } from './events.js';
import type { StateView } from './evolve.js';
import { type RecordTime, type StoredReservation, available } from './stock.js';
import type { StockKey } from './keys.js';
import type { WorkRow } from './worksheet.js';

/** The state that a decision may read. */
export interface DecisionView extends StateView {
  /** The active holds with an expiry of one record, soonest first. */
  expiringHolds(key: StockKey): Iterable<StoredReservation>;
}

export interface Circumstances {
  readonly state: DecisionView;
  readonly at: RecordTime;
  /** How long a closed reservation can be read, in ms; recorded when it closes. */
  readonly reservationRetentionMs: number;
}

/** How many lines of holds are searched for one `earliestExpiry` before it is omitted. */
const LINES_SEARCHED_MAX = 10_000;

export function refused(refusal: RecordedRefusal, reads: readonly VersionRead[]): EventDraft {
  return { type: 'RequestRefused', lines: [], reads, reservations: [], refusal };
}

/** Checks the caller's version demands in the order of the contract: If-Match, expectedVersion. */
export function demandRefusal(
  row: WorkRow,
  ifMatch: VersionDemand['ifMatch'],
  expectedVersion: number | undefined,
): Refusal | undefined {
  const currentVersion = row.before?.version ?? 0;
  if (ifMatch !== undefined) {
    const matches = ifMatch === '*' ? currentVersion > 0 : ifMatch.includes(currentVersion);
    if (!matches) return { code: 'precondition-failed', currentVersion };
  }
  if (expectedVersion !== undefined && expectedVersion !== currentVersion) {
    return { code: 'version-conflict', expectedVersion, currentVersion };
  }
  return undefined;
}

export function stockNotFound(row: WorkRow): Refusal {
  return { code: 'stock-not-found', storeId: row.name.storeId, sku: row.name.sku };
}

export function overflow(row: WorkRow): Refusal {
  return { code: 'quantity-overflow', storeId: row.name.storeId, sku: row.name.sku };
}

/** A shortage with the row it is about. */
export interface ShortRow {
  readonly row: WorkRow;
  readonly requested: number;
}

/** The rows with fewer available units than are wanted. */
export function shortRows(rows: readonly WorkRow[]): ShortRow[] {
  const short: ShortRow[] = [];
  for (const row of rows) {
    if (available(row) < row.wanted) short.push({ row, requested: row.wanted });
  }
  return short;
}

export function insufficient(short: readonly ShortRow[], view: DecisionView): Refusal {
  const lines = short.map(({ row, requested }): Shortage => {
    const { storeId, sku } = row.name;
    const version = row.before?.version ?? 0;
    return { storeId, sku, requested, available: available(row), version };
  });
  const earliestExpiry = earliestRelief(short, view);
  return {
    code: 'insufficient-stock',
    lines,
    ...(earliestExpiry !== undefined && { earliestExpiry }),
  };
}

/** When enough holds will have expired for every short row; undefined: never, or unknown. */
function earliestRelief(short: readonly ShortRow[], view: DecisionView): RecordTime | undefined {
  let earliest = 0;
  const search = { linesLeft: LINES_SEARCHED_MAX };
  for (const { row, requested } of short) {
    const relief = rowRelief({ row, requested }, view, search);
    if (relief === undefined) return undefined;
    earliest = Math.max(earliest, relief);
  }
  return earliest;
}

function rowRelief(
  { row, requested }: ShortRow,
  view: DecisionView,
  search: { linesLeft: number },
): RecordTime | undefined {
  if (row.onHand < requested) return undefined;
  let missing = requested - available(row);
  for (const hold of view.expiringHolds(row.key)) {
    search.linesLeft -= hold.lines.length;
    if (search.linesLeft < 0 || hold.expiresAt === null) return undefined;
    for (const line of hold.lines) {
      if (line.sku === row.name.sku && line.storeId === row.name.storeId) missing -= line.held;
    }
    if (missing <= 0) return hold.expiresAt;
  }
  return undefined;
}

/** Each request's quantity is bounded, but a record's total must stay an exact integer, too. */
export function isCountable(total: number): boolean {
  return Number.isSafeInteger(total) && total >= 0;
}
