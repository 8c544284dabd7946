import { parse } from 'csv-parse/sync';

/** What a file must leave behind, by its own small model: record → units on hand. */
interface Expectation {
  readonly onHand: Readonly<Record<string, number>>;
  readonly accepted: readonly string[];
  readonly refused: readonly string[];
}

interface Row {
  readonly InvoiceNo: string;
  readonly StockCode: string;
  readonly Quantity: string;
  readonly Country: string;
}

/** Invoice after invoice, on an opening stock of all that is ordered; rows must be expressible. */
export function expectationOf(csv: string | Uint8Array): Expectation {
  const rows = parse<Row>(Buffer.from(csv), { columns: true });
  const onHand: Record<string, number> = {};
  const invoices = new Map<string, { record: string; qty: number }[]>();
  for (const row of rows) {
    const record = `${row.Country.replaceAll(' ', '-')}/${row.StockCode}`;
    const qty = Number(row.Quantity);
    onHand[record] = (onHand[record] ?? 0) + Math.max(qty, 0);
    invoices.set(row.InvoiceNo, [...(invoices.get(row.InvoiceNo) ?? []), { record, qty }]);
  }
  const accepted: string[] = [];
  const refused: string[] = [];
  for (const [invoice, lines] of invoices) {
    const wanted: Record<string, number> = {};
    for (const { record, qty } of lines) {
      if (qty > 0) wanted[record] = (wanted[record] ?? 0) + qty;
    }
    const order = Object.entries(wanted);
    if (order.length > 0) {
      const fits = order.every(([record, qty]) => qty <= (onHand[record] ?? 0));
      (fits ? accepted : refused).push(invoice);
      if (fits) for (const [record, qty] of order) onHand[record] = (onHand[record] ?? 0) - qty;
    }
    for (const { record, qty } of lines) {
      const there = onHand[record] ?? 0;
      if (qty < 0 && invoice.startsWith('C')) onHand[record] = there - qty;
      else if (qty < 0 && there >= -qty) onHand[record] = there + qty;
    }
  }
  return { onHand, accepted, refused };
}

/** Sizes of a progress file at which to kill: some while stock is opened, as many among the orders. */
export function momentsIn(expected: Expectation, each: number, random: () => number): number[] {
  const openingBytes = 130 * Object.keys(expected.onHand).length;
  const orderBytes = 200 * (expected.accepted.length + expected.refused.length);
  const opening = Array.from({ length: each }, () => random() * openingBytes);
  const orders = Array.from({ length: each }, () => openingBytes + random() * orderBytes);
  return [...opening, ...orders].sort((one, other) => one - other);
}

interface StockPage {
  readonly items: readonly {
    readonly storeId: string;
    readonly sku: string;
    readonly onHand: number;
    readonly reserved: number;
  }[];
  readonly nextCursor: string | null;
}

/** What the service has of the expected records, read over HTTP; absent ones have nothing. */
export async function onHandAt(
  url: string,
  expected: Expectation,
): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const record of Object.keys(expected.onHand)) found[record] = 0;
  const stores = new Set(Object.keys(found).map((record) => record.split('/')[0]));
  for (const storeId of stores) {
    let cursor = '';
    do {
      const response = await fetch(
        `${url}/api/inventory/stores/${storeId}/inventory?limit=500${cursor}`,
      );
      const { items, nextCursor } = (await response.json()) as StockPage;
      for (const item of items) {
        const held = item.reserved === 0 ? '' : ` with ${item.reserved} reserved`;
        found[`${item.storeId}/${item.sku}${held}`] = item.onHand;
      }
      cursor = nextCursor === null ? '' : `&cursor=${nextCursor}`;
    } while (cursor !== '');
  }
  return found;
}
