import { parseArgs } from 'node:util';
import { baseOf } from '../../client/transport.js';
import { UsageError } from '../command/run-command.js';

export const USAGE = `Usage: npm run import -- FILE.csv [--url http://127.0.0.1:3000]

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

Exit code: 0 the ledger matches, 1 it does not or the import stopped, 2 wrong usage.`;

export interface ImportCommand {
  readonly file: string;
  readonly url: string;
  readonly concurrency: number;
  readonly retryForMs: number;
}

/** Throws UsageError or TypeError with what is wrong. */
export function parseCommandLine(args: string[]): ImportCommand | 'help' {
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
  if (values.help) return 'help';
  const [file, ...others] = positionals;
  if (file === undefined || others.length > 0) throw new UsageError('name one file');
  return {
    file,
    url: serviceUrl(values.url),
    concurrency: wholeNumber('--concurrency', values.concurrency, 1, 64),
    retryForMs: wholeNumber('--patience', values.patience, 0, 86_400) * 1_000,
  };
}

/** By the client's own rule: what it would refuse is refused here, before a file is read. */
function serviceUrl(text: string): string {
  try {
    return baseOf(text);
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(`--url: ${error.message}`);
    throw error;
  }
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${option} is a whole number from ${min} to ${max}`);
}
