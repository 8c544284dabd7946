import { parseArgs } from 'node:util';

export const USAGE = `usage: npm run import -- FILE.csv [--url http://127.0.0.1:3000]

Replays a file of real orders (columns InvoiceNo, StockCode, Quantity, Country) through the API. A
country is a store, an invoice is an order: its lines are reserved together, then committed. The
lines of a cancellation (C…) are restocked, other negative lines are written off. First each record
gets as much opening stock as the orders ask for. Refusals by the service are counted, not forced.

Progress is kept in FILE.csv.progress.jsonl: however the command was stopped, the same command
continues from there, and at its end compares its own ledger with the service's records.

  --url URL           address of the service (http://127.0.0.1:3000)
  --concurrency N     how many orders are in flight at once, 1 to 64 (8)
  --patience SECONDS  how long one request is retried before giving up (300)
  --help              this text

Exit status: 0 the ledger matches, 1 it does not or the import stopped, 2 wrong usage.`;

export type CommandLine =
  | {
      readonly kind: 'import';
      readonly file: string;
      readonly url: string;
      readonly concurrency: number;
      readonly retryForMs: number;
    }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly why: string };

export function parseCommandLine(args: string[]): CommandLine {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        url: { type: 'string', default: 'http://127.0.0.1:3000' },
        concurrency: { type: 'string', default: '8' },
        patience: { type: 'string', default: '300' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return { kind: 'help' };
    const [file, ...others] = positionals;
    if (file === undefined || others.length > 0) return wrong('name one file');
    if (!/^https?:/.test(values.url) || !URL.canParse(values.url)) {
      return wrong(`--url ${values.url} is not an http URL`);
    }
    const concurrency = wholeNumber(values.concurrency, 1, 64);
    if (concurrency === undefined) return wrong('--concurrency is a number from 1 to 64');
    const patience = wholeNumber(values.patience, 0, 86_400);
    if (patience === undefined) return wrong('--patience is a number of seconds up to 86400');
    return { kind: 'import', file, url: values.url, concurrency, retryForMs: patience * 1_000 };
  } catch (error) {
    if (error instanceof TypeError) return wrong(error.message);
    throw error;
  }
}

function wrong(why: string): CommandLine {
  return { kind: 'wrong', why };
}

function wholeNumber(text: string, min: number, max: number): number | undefined {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  return value >= min && value <= max ? value : undefined;
}
