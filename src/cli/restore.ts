/** npm run restore -- BACKUP TARGET [--at SEQUENCE|TIME]: a data directory, as it was then. */
import { parseArgs } from 'node:util';
import { parseMoment } from '../http/moment.js';
import { type CopyCommand, runCopy } from './directory/run-copy.js';
import { UsageError, runCommand } from './command/run-command.js';

const USAGE = `Usage: npm run restore -- BACKUP TARGET [--at SEQUENCE|TIME]

Copies a backup (or any data directory) to TARGET, a new or empty directory: start a server there
with DATA_DIR=TARGET. When the command ends, the copy is durable and has been refolded from its first
line. It has a new node id: clients that follow the feed of the old node have to start over.
  --at SEQUENCE  only up to and including this event
  --at TIME      only up to this record time, such as 2026-11-22T16:17:47.638Z

Exit code 0: done; 1: the backup is damaged (the message says where), ends before --at, or cannot be
copied, and no copy is left.`;

process.exitCode = await runCommand({ usage: USAGE, parse: parseCommandLine, run: runCopy });

function parseCommandLine(args: string[]): CopyCommand | 'help' {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      at: { type: 'string' },
    },
  });
  if (values.help) return 'help';
  const [from, to] = positionals;
  if (from === undefined || to === undefined || positionals.length > 2) {
    throw new UsageError('name a backup, and a directory for what is restored');
  }
  const command = { from, to };
  if (values.at === undefined) return command;
  const point = parseMoment(values.at);
  if (point === undefined) {
    throw new UsageError(`--at ${values.at} is neither a sequence nor a time`);
  }
  return { ...command, point };
}
