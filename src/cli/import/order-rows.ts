import { CsvError, parse } from 'csv-parse/sync';
import { ImportError } from './import-error.js';

const COLUMNS = {
  invoice: 'InvoiceNo',
  sku: 'StockCode',
  quantity: 'Quantity',
  country: 'Country',
} as const;

/** One order line as in the file: not trimmed and not validated yet. */
export interface OrderRow extends Readonly<Record<keyof typeof COLUMNS, string>> {
  /** As in a spreadsheet: the header is row 1. */
  readonly rowNumber: number;
}

type ParsedRow = Readonly<Record<string, string>>;

/**
 * Parses RFC 4180 CSV in UTF-8 with a header line: columns are found by name, others are ignored.
 * Throws ImportError if the file is anything else; the values are validated later, row by row.
 */
export function parseOrderRows(file: Uint8Array): OrderRow[] {
  const rows = parseCsv(decode(file));
  if (rows.length === 0) throw new ImportError('it has no order lines');
  return rows.map((record, index) => ({
    rowNumber: index + 2,
    invoice: record[COLUMNS.invoice] ?? '',
    sku: record[COLUMNS.sku] ?? '',
    quantity: record[COLUMNS.quantity] ?? '',
    country: record[COLUMNS.country] ?? '',
  }));
}

function decode(file: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(file);
  } catch (error) {
    throw new ImportError('it is not UTF-8 text', { cause: error });
  }
}

function parseCsv(text: string): ParsedRow[] {
  try {
    return parse<ParsedRow>(text, {
      columns: checkHeader,
      record_delimiter: ['\r\n', '\n'],
      skip_empty_lines: true,
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new ImportError(`bad CSV: ${error.message}`, { cause: error });
  }
}

function checkHeader(header: string[]): string[] {
  for (const name of Object.values(COLUMNS)) {
    const times = header.filter((each) => each === name).length;
    if (times !== 1) throw new ImportError(`its first line has the column ${name} ${times} times`);
  }
  return header;
}
