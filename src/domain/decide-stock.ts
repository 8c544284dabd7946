import type { AdjustStock, CountStock, TransferStock } from './commands.js';
import {
  type Circumstances,
  demandRefusal,
  insufficient,
  isCountable,
  overflow,
  refused,
  shortRows,
  stockNotFound,
} from './decision.js';
import type { Refusal } from './errors.js';
import type { EventDraft } from './events.js';
import { available } from './stock.js';
import { type WorkRow, Worksheet } from './worksheet.js';

export function decideAdjust(command: AdjustStock, circumstances: Circumstances): EventDraft {
  const sheet = new Worksheet(circumstances.state);
  const row = sheet.row(command);
  const refusal = applyAdjust(command, row, circumstances);
  if (refusal !== undefined) return refused(refusal, sheet.allReads());
  return {
    type: 'StockAdjusted',
    lines: sheet.lines(),
    reads: [],
    reservations: [],
    reason: command.reason,
    reference: command.reference,
  };
}

export function applyAdjust(
  command: AdjustStock,
  row: WorkRow,
  { state }: Circumstances,
): Refusal | undefined {
  const { delta } = command;
  if (delta < 0 && row.before === undefined && !row.moved) return stockNotFound(row);
  const unmet = demandRefusal(row, command.ifMatch, command.expectedVersion);
  if (unmet !== undefined) return unmet;
  if (available(row) + delta < 0) {
    return insufficient([{ row, requested: -delta }], state);
  }
  if (!isCountable(row.onHand + delta)) return overflow(row);
  row.onHand += delta;
  row.moved = true;
  return undefined;
}

export function decideCount(command: CountStock, circumstances: Circumstances): EventDraft {
  const sheet = new Worksheet(circumstances.state);
  const row = sheet.row(command);
  const refusal = applyCount(command, row);
  if (refusal !== undefined) return refused(refusal, sheet.allReads());
  return {
    type: 'StockCounted',
    lines: sheet.lines(),
    reads: [],
    reservations: [],
    reason: command.reason,
    reference: command.reference,
  };
}

export function applyCount(command: CountStock, row: WorkRow): Refusal | undefined {
  const currentVersion = row.before?.version ?? 0;
  if (command.mustBeNew === true && currentVersion > 0) {
    return { code: 'precondition-failed', currentVersion };
  }
  const unmet = demandRefusal(row, command.ifMatch, command.expectedVersion);
  if (unmet !== undefined) return unmet;
  if (command.onHand < row.reserved) {
    const { storeId, sku } = row.name;
    return { code: 'below-reserved', storeId, sku, onHand: command.onHand, reserved: row.reserved };
  }
  row.onHand = command.onHand;
  row.moved = true;
  return undefined;
}

export function decideTransfer(command: TransferStock, circumstances: Circumstances): EventDraft {
  const { from, to } = command;
  if (from === to) return refused({ code: 'same-store', storeId: from }, []);
  const sheet = new Worksheet(circumstances.state);
  for (const { sku, qty } of command.lines) sheet.row({ storeId: from, sku }).wanted += qty;
  const sources = [...sheet.rows];
  for (const row of sources) {
    if (row.before === undefined) return refused(stockNotFound(row), sheet.allReads());
  }
  const short = shortRows(sources);
  if (short.length > 0) {
    return refused(insufficient(short, circumstances.state), sheet.allReads());
  }
  for (const source of sources) {
    const target = sheet.row({ storeId: to, sku: source.name.sku });
    const onHand = target.onHand + source.wanted;
    if (!isCountable(onHand)) return refused(overflow(target), sheet.allReads());
    source.onHand -= source.wanted;
    target.onHand = onHand;
    source.moved = true;
    target.moved = true;
  }
  return {
    type: 'StockTransferred',
    lines: sheet.lines(),
    reads: [],
    reservations: [],
    reference: command.reference,
  };
}
