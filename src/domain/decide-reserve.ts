import type { ReserveStock } from './commands.js';
import {
  type Circumstances,
  demandRefusal,
  insufficient,
  refused,
  shortRows,
  stockNotFound,
} from './decision.js';
import type { EventDraft } from './events.js';
import type { Reservation } from './stock.js';
import { type WorkRow, Worksheet } from './worksheet.js';

/** All lines or none; lines of the same record are summed before anything is compared. */
export function decideReserve(command: ReserveStock, circumstances: Circumstances): EventDraft {
  const sheet = new Worksheet(circumstances.state);
  for (const line of command.lines) sheet.row(line).wanted += line.qty;
  for (const row of sheet.rows) {
    if (row.before === undefined) return refused(stockNotFound(row), sheet.allReads());
  }
  for (const line of command.lines) {
    const unmet = demandRefusal(sheet.row(line), command.ifMatch, line.expectedVersion);
    if (unmet !== undefined) return refused(unmet, sheet.allReads());
  }
  const short = shortRows(sheet.rows);
  if (short.length > 0) {
    return refused(insufficient(short, circumstances.state), sheet.allReads());
  }
  for (const row of sheet.rows) {
    row.reserved += row.wanted;
    row.moved = true;
  }
  return {
    type: 'StockReserved',
    lines: sheet.lines(),
    reads: [],
    reservations: [newReservation(command, sheet.rows, circumstances.at)],
    reference: command.reference,
  };
}

/** A new hold of the rows' wanted units; it is created at `at`, and `ttlMs` counts from then. */
export function newReservation(
  command: Pick<ReserveStock, 'reservationId' | 'ttlMs' | 'reference'>,
  rows: readonly Pick<WorkRow, 'name' | 'wanted'>[],
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
    lines: rows.map(({ name, wanted }) => ({
      storeId: name.storeId,
      sku: name.sku,
      qty: wanted,
      held: wanted,
      committed: 0,
      released: 0,
      expired: 0,
    })),
  };
}
