import type { ReserveStock } from './commands.js';
import {
  type Circumstances,
  type ShortRow,
  demandRefusal,
  insufficient,
  refused,
  stockNotFound,
} from './decision.js';
import type { EventDraft } from './events.js';
import type { Reservation } from './stock.js';
import { type WorkRow, Worksheet } from './worksheet.js';

/** All lines or none; the same record named twice is summed before anything is compared. */
export function decideReserve(command: ReserveStock, circumstances: Circumstances): EventDraft {
  const sheet = new Worksheet(circumstances.state);
  const wanted = new Map<WorkRow, number>();
  for (const line of command.lines) {
    const row = sheet.row(line);
    wanted.set(row, (wanted.get(row) ?? 0) + line.qty);
  }
  for (const row of wanted.keys()) {
    if (row.before === undefined) return refused(stockNotFound(row), sheet.allReads());
  }
  for (const line of command.lines) {
    const unmet = demandRefusal({ ...line, ...ifMatchOf(command) }, sheet.row(line));
    if (unmet !== undefined) return refused(unmet, sheet.allReads());
  }
  const short: ShortRow[] = [];
  for (const [row, requested] of wanted) {
    if (row.onHand - row.reserved < requested) short.push({ row, requested });
  }
  if (short.length > 0) {
    return refused(insufficient(short, circumstances.state), sheet.allReads());
  }
  for (const [row, qty] of wanted) {
    row.reserved += qty;
    row.moved = true;
  }
  return {
    type: 'StockReserved',
    lines: sheet.lines(),
    reads: [],
    reservations: [newReservation(command, wanted, circumstances.at)],
    ...(command.reference !== undefined && { reference: command.reference }),
  };
}

/** A fresh hold of the given rows; `at` is its creation, `ttlMs` from then. */
export function newReservation(
  command: Pick<ReserveStock, 'reservationId' | 'ttlMs' | 'reference'>,
  wanted: ReadonlyMap<WorkRow, number>,
  at: number,
): Reservation {
  return {
    id: command.reservationId,
    version: 1,
    status: 'active',
    reference: command.reference ?? null,
    createdAt: at,
    expiresAt: command.ttlMs === undefined ? null : at + command.ttlMs,
    retainUntil: null,
    lines: Array.from(wanted, ([{ name }, qty]) => ({
      storeId: name.storeId,
      sku: name.sku,
      qty,
      held: qty,
      committed: 0,
      released: 0,
      expired: 0,
    })),
  };
}

function ifMatchOf(command: ReserveStock): Pick<ReserveStock, 'ifMatch'> {
  return command.ifMatch === undefined ? {} : { ifMatch: command.ifMatch };
}
