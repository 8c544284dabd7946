import { SKU_PATTERN, STORE_ID_PATTERN, stockKey } from '../../domain/keys.js';
import { REQUEST_QTY_MAX } from '../../domain/stock.js';
import type { OrderRow } from './order-rows.js';
import type { AdjustStep, OrderLine, Step } from './step.js';

/** How many lines the service accepts in one reservation. */
const ORDER_LINES_MAX = 1_000;
const INVOICE_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const QUANTITY_PATTERN = /^[+-]?\d{1,15}$/;

/** A row that cannot be expressed as a request to the service. */
export interface InexpressibleRow {
  readonly rowNumber: number;
  readonly why: string;
}

export interface Plan {
  /** One step per record that any order wants. */
  readonly opening: readonly AdjustStep[];
  /** In file order. */
  readonly steps: readonly Step[];
  readonly inexpressible: readonly InexpressibleRow[];
}

interface InvoiceLine extends OrderLine {
  readonly rowNumber: number;
}

/**
 * The steps that follow from the file's rows alone. An invoice is one order, at the place of its
 * first row: its positive lines are sold together or not at all. Its negative lines are returned
 * goods if the invoice is a cancellation (C…; it does not name its order), else write-offs.
 *
 * The opening stock of a record is what the orders want of it, with nothing for write-offs: those
 * compete with the orders, and whichever comes too late is refused.
 */
export function planImport(rows: readonly OrderRow[]): Plan {
  const { invoices, inexpressible } = groupByInvoice(rows);
  const steps: Step[] = [];
  const wanted = new Map<string, OrderLine>();
  for (const [invoice, lines] of invoices) {
    const sold = lines.filter(({ qty }) => qty > 0);
    if (sold.length > ORDER_LINES_MAX) {
      const why = `one of more than ${ORDER_LINES_MAX} lines of one order`;
      for (const { rowNumber } of sold) inexpressible.push({ rowNumber, why });
    } else if (sold.length > 0) {
      for (const line of sold) addTo(wanted, line);
      steps.push({ kind: 'order', id: invoice, lines: sold.map(toOrderLine) });
    }
    for (const line of lines) if (line.qty < 0) steps.push(adjustStep(invoice, line));
  }
  return { opening: [...wanted.values()].map(openingStep), steps, inexpressible };
}

function groupByInvoice(rows: readonly OrderRow[]) {
  const invoices = new Map<string, InvoiceLine[]>();
  const inexpressible: InexpressibleRow[] = [];
  for (const row of rows) {
    const why = whyInexpressible(row);
    if (why !== undefined) {
      inexpressible.push({ rowNumber: row.rowNumber, why });
      continue;
    }
    const line = {
      storeId: storeIdOf(row.country),
      sku: row.sku,
      qty: Number(row.quantity),
      rowNumber: row.rowNumber,
    };
    const lines = invoices.get(row.invoice);
    if (lines === undefined) invoices.set(row.invoice, [line]);
    else lines.push(line);
  }
  return { invoices, inexpressible };
}

function whyInexpressible({ invoice, sku, quantity, country }: OrderRow): string | undefined {
  if (!INVOICE_PATTERN.test(invoice)) return `invoice number ${quoted(invoice)}`;
  if (!STORE_ID_PATTERN.test(storeIdOf(country))) return `country ${quoted(country)}`;
  if (!SKU_PATTERN.test(sku)) return `stock code ${quoted(sku)}`;
  const units = QUANTITY_PATTERN.test(quantity) ? Math.abs(Number(quantity)) : 0;
  if (units === 0 || units > REQUEST_QTY_MAX) return `quantity ${quoted(quantity)}`;
  return undefined;
}

function storeIdOf(country: string): string {
  return country.replace(/[^A-Za-z0-9._-]+/g, '-');
}

function adjustStep(invoice: string, { storeId, sku, qty, rowNumber }: InvoiceLine): AdjustStep {
  const cancelled = invoice.startsWith('C');
  return {
    kind: 'adjust',
    id: `${invoice}:${rowNumber}`,
    purpose: cancelled ? 'restock' : 'write-off',
    storeId,
    sku,
    delta: cancelled ? -qty : qty,
  };
}

function openingStep({ storeId, sku, qty }: OrderLine): AdjustStep {
  const id = `opening:${stockKey({ storeId, sku })}`;
  return { kind: 'adjust', id, purpose: 'opening', storeId, sku, delta: qty };
}

/** Capped at what one request may add: beyond that, the service refuses the later orders. */
function addTo(wanted: Map<string, OrderLine>, line: OrderLine): void {
  const key = stockKey(line);
  const qty = Math.min((wanted.get(key)?.qty ?? 0) + line.qty, REQUEST_QTY_MAX);
  wanted.set(key, { storeId: line.storeId, sku: line.sku, qty });
}

function toOrderLine({ storeId, sku, qty }: InvoiceLine): OrderLine {
  return { storeId, sku, qty };
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
