/** npm run backup -- DATA_DIR [BACKUP]: makes a consistent copy, even of a running server. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type CopyCommand, runCopy } from './directory/run-copy.js';
import { UsageError, runCommand } from './command/run-command.js';

const USAGE = `Usage: npm run backup -- DATA_DIR [BACKUP]

Copies the data directory DATA_DIR to BACKUP, a new or empty directory (by default a new one next to
DATA_DIR, named after the time). A running server keeps serving: everything that it acknowledged
before the command started is in the copy. When the command ends, the copy is durable and has been
refolded from its first line; it is a data directory itself, and npm run restore copies from it.

Exit code 0: done; 1: the data is damaged (the message says where) or cannot be copied, and no copy
is left.`;

process.exitCode = await runCommand({ usage: USAGE, parse: parseCommandLine, run: runCopy });

function parseCommandLine(args: string[]): CopyCommand | 'help' {
  const help = { type: 'boolean', short: 'h', default: false } as const;
  const { positionals, values } = parseArgs({ args, allowPositionals: true, options: { help } });
  if (values.help) return 'help';
  const [from, to] = positionals;
  if (from === undefined || positionals.length > 2) {
    throw new UsageError('name a data directory, and at most one directory for the backup');
  }
  return { from, to: to ?? beside(from) };
}

function beside(directory: string): string {
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `${resolve(directory)}.backup-${time}`;
}
