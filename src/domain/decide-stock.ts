import type { AdjustStock, CountStock, TransferStock } from './commands.js';
import {
  type Circumstances,
  type ShortRow,
  demandRefusal,
  insufficient,
  isCountable,
  overflow,
  refused,
  stockNotFound,
} from './decision.js';
import type { Refusal } from './errors.js';
import type { EventDraft } from './events.js';
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
    ...note(command),
  };
}

export function applyAdjust(
  command: AdjustStock,
  row: WorkRow,
  { state }: Circumstances,
): Refusal | undefined {
  const { delta } = command;
  if (delta < 0 && row.before === undefined && !row.moved) return stockNotFound(row);
  const unmet = demandRefusal(command, row);
  if (unmet !== undefined) return unmet;
  if (row.onHand - row.reserved + delta < 0) {
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
    ...note(command),
  };
}

export function applyCount(command: CountStock, row: WorkRow): Refusal | undefined {
  const currentVersion = row.before?.version ?? 0;
  if (command.mustBeNew === true && currentVersion > 0) {
    return { code: 'precondition-failed', currentVersion };
  }
  const unmet = demandRefusal(command, row);
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
  const taken = new Map<WorkRow, number>();
  for (const { sku, qty } of command.lines) {
    const source = sheet.row({ storeId: from, sku });
    taken.set(source, (taken.get(source) ?? 0) + qty);
  }
  for (const row of taken.keys()) {
    if (row.before === undefined) return refused(stockNotFound(row), sheet.allReads());
  }
  const short: ShortRow[] = [];
  for (const [row, requested] of taken) {
    if (row.onHand - row.reserved < requested) short.push({ row, requested });
  }
  if (short.length > 0) {
    return refused(insufficient(short, circumstances.state), sheet.allReads());
  }
  for (const [source, qty] of taken) {
    const target = sheet.row({ storeId: to, sku: source.name.sku });
    if (!isCountable(target.onHand + qty)) return refused(overflow(target), sheet.allReads());
    source.onHand -= qty;
    target.onHand += qty;
    source.moved = true;
    target.moved = true;
  }
  return {
    type: 'StockTransferred',
    lines: sheet.lines(),
    reads: [],
    reservations: [],
    ...note(command),
  };
}

export function note(command: { readonly reason?: string; readonly reference?: string }): {
  reason?: string;
  reference?: string;
} {
  return {
    ...(command.reason !== undefined && { reason: command.reason }),
    ...(command.reference !== undefined && { reference: command.reference }),
  };
}
