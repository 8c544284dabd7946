/** npm run log -- DATA_DIR [--after n] [--sku SKU]: prints events, one JSON line each. */
import { resolve } from 'node:path';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { dataPaths, numberedFiles, sequenceOf } from '../storage/file/disk/data-directory.js';
import { readWhole } from '../storage/file/disk/file-system.js';
import { createNodeFileSystem } from '../storage/file/disk/node-file-system.js';
import { loadManifest } from '../storage/file/log/manifest.js';
import { readWatermark } from '../storage/file/log/watermark.js';
import { type LogLine, NEWLINE, parseLine } from '../storage/file/format/record-format.js';
import { UsageError, runCommand } from './command/run-command.js';

const USAGE = `Usage: npm run log -- DATA_DIR [--after SEQUENCE] [--sku SKU]

Prints the events of DATA_DIR as they are in the log, one JSON line each, in order.
  --after SEQUENCE  only events after this one
  --sku SKU         only events that change this SKU, in any store

Exit code 0: printed to the end of the log; 1: part of the log cannot be read.`;

interface Wanted {
  readonly root: string;
  readonly after: number;
  readonly sku: string | undefined;
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that has seen enough (`| head`) closes the pipe: not an error, unlike a full disk.
  if (error.code === 'EPIPE') process.exit(0);
  console.error(`the events cannot be written: ${error.message}`);
  process.exit(1);
});
process.exitCode = await runCommand({ usage: USAGE, parse: parseCommandLine, run: printOrSayWhy });

async function printOrSayWhy(wanted: Wanted): Promise<number> {
  try {
    return await print(wanted);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

function parseCommandLine(args: string[]): Wanted | 'help' {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      after: { type: 'string', default: '0' },
      sku: { type: 'string' },
    },
  });
  if (values.help) return 'help';
  const [directory] = positionals;
  if (directory === undefined || positionals.length > 1) {
    throw new UsageError('name one data directory');
  }
  if (!/^\d{1,15}$/.test(values.after)) {
    throw new UsageError(`--after ${values.after} is not a sequence`);
  }
  return { root: resolve(directory), after: Number(values.after), sku: values.sku };
}

async function print(wanted: Wanted): Promise<number> {
  const fileSystem = createNodeFileSystem();
  const { events, watermark } = dataPaths(wanted.root);
  // Before the log is read, which may grow meanwhile.
  const manifest = await loadManifest(fileSystem, wanted.root);
  const durable = Math.max(await readWatermark(fileSystem, watermark), manifest?.durable ?? 0);
  const names = await numberedFiles(fileSystem, events);
  let before: number | undefined;
  for (const [index, name] of names.entries()) {
    const next = names[index + 1];
    if (next !== undefined && sequenceOf(next) <= wanted.after + 1) continue;
    const first = sequenceOf(name);
    if (first !== (before ?? Math.min(first - 1, wanted.after)) + 1) {
      console.error(`${events}/${name}: what is before it is missing; npm run verify tells more`);
      return 1;
    }
    const bytes = await readWhole(fileSystem, `${events}/${name}`);
    const { last, stoppedAt } = await printSegment(bytes, wanted, first - 1);
    before = last;
    if (stoppedAt === undefined) continue;
    // Behind the durable end of the last segment lies what is being written, or will be cut.
    if (next === undefined && last >= durable) continue;
    console.error(`${events}/${name}, line ${stoppedAt}: is damaged; npm run verify tells more`);
    return 1;
  }
  if ((before ?? 0) >= durable) return 0;
  console.error(`${events}: the log ends at event ${before ?? 0}, and had events up to ${durable}`);
  return 1;
}

/**
 * Resolves with the last sequence that was read (`before`: there was none), and with the number of
 * the first line that cannot be read; undefined: all can be.
 */
async function printSegment(
  bytes: Buffer,
  wanted: Wanted,
  before: number,
): Promise<{ readonly last: number; readonly stoppedAt: number | undefined }> {
  let number = 1;
  let last = before;
  for (let start = 0; start < bytes.length; number += 1) {
    const end = bytes.indexOf(NEWLINE, start);
    const line = end < 0 ? undefined : parseLine(bytes.subarray(start, end));
    if (line === undefined) return { last, stoppedAt: number };
    if (line.kind === 'event') last = line.event.sequence;
    if (isWanted(line, wanted) && !process.stdout.write(bytes.subarray(start, end + 1))) {
      await once(process.stdout, 'drain');
    }
    start = end + 1;
  }
  return { last, stoppedAt: undefined };
}

function isWanted(line: LogLine, { after, sku: wanted }: Wanted): boolean {
  if (line.kind !== 'event' || line.event.sequence <= after) return false;
  return wanted === undefined || line.event.lines.some(({ sku }) => sku === wanted);
}
