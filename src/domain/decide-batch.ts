import { assertNever } from '../assert.js';
import type { BatchOperation, BatchStock } from './commands.js';
import { newReservation } from './decide-reserve.js';
import { applyAdjust, applyCount } from './decide-stock.js';
import {
  type Circumstances,
  demandRefusal,
  insufficient,
  refused,
  stockNotFound,
} from './decision.js';
import type { Refusal } from './errors.js';
import type { BatchEffect, EventDraft } from './events.js';
import { type Reservation, available } from './stock.js';
import { type WorkRow, Worksheet } from './worksheet.js';

/** Applies all operations in order to one worksheet, as one event; or none of them. */
export function decideBatch(command: BatchStock, circumstances: Circumstances): EventDraft {
  const sheet = new Worksheet(circumstances.state);
  const reservations: Reservation[] = [];
  const operations: BatchEffect[] = [];
  for (const [index, operation] of command.operations.entries()) {
    const row = sheet.row(operation.type === 'ReserveStock' ? operation.lines[0] : operation);
    const refusal = applyOperation(operation, row, circumstances, reservations);
    if (refusal !== undefined) return refused({ ...refusal, operation: index }, sheet.allReads());
    operations.push({
      // Every accepted operation moves its row, so a row's index is its line's index.
      line: row.index,
      reservation: operation.type === 'ReserveStock' ? reservations.length - 1 : undefined,
      reason: 'reason' in operation ? operation.reason : undefined,
      reference: operation.reference,
    });
  }
  return { type: 'StockBatch', lines: sheet.lines(), reads: [], reservations, operations };
}

function applyOperation(
  operation: BatchOperation,
  row: WorkRow,
  circumstances: Circumstances,
  reservations: Reservation[],
): Refusal | undefined {
  switch (operation.type) {
    case 'AdjustStock':
      return applyAdjust(operation, row, circumstances);
    case 'CountStock':
      return applyCount(operation, row);
    case 'ReserveStock': {
      const [line] = operation.lines;
      if (row.before === undefined && !row.moved) return stockNotFound(row);
      const unmet = demandRefusal(row, undefined, line.expectedVersion);
      if (unmet !== undefined) return unmet;
      if (available(row) < line.qty) {
        return insufficient([{ row, requested: line.qty }], circumstances.state);
      }
      row.reserved += line.qty;
      row.moved = true;
      reservations.push(
        newReservation(operation, [{ name: row.name, wanted: line.qty }], circumstances.at),
      );
      return undefined;
    }
    default:
      return assertNever(operation);
  }
}
