/** npm run backup -- DATA_DIR [BACKUP]: a consistent copy, while the server runs or not. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type CopyCommand, runCopy } from './directory/run-copy.js';
import { runCommand } from './directory/run-command.js';

const USAGE = `Usage: npm run backup -- DATA_DIR [BACKUP]

Copies the data directory DATA_DIR to BACKUP, a new or empty directory (without it: a new one beside
DATA_DIR, named by the time). A running server goes on meanwhile: everything that it acknowledged
before the command was given is in the copy. The copy is durable and has been refolded from its first
line when the command ends; it is a data directory by itself, and npm run restore copies from it.

Exit code 0: done; 1: the data is damaged (with its place) or cannot be copied, and no copy is left.`;

process.exitCode = await runCommand({ usage: USAGE, parse: parseCommandLine, run: runCopy });

/** Undefined: wrong usage. */
function parseCommandLine(args: string[]): CopyCommand | 'help' | undefined {
  const help = { type: 'boolean', short: 'h', default: false } as const;
  const { positionals, values } = parseArgs({ args, allowPositionals: true, options: { help } });
  if (values.help) return 'help';
  const [from, to] = positionals;
  if (from === undefined || positionals.length > 2) return undefined;
  return { from, to: to ?? beside(from) };
}

function beside(directory: string): string {
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `${resolve(directory)}.backup-${time}`;
}
