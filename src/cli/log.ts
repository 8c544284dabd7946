/** npm run log -- DATA_DIR [--after n] [--sku SKU]: prints events, one JSON line each. */
import { resolve } from 'node:path';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { dataPaths, numberedFiles, sequenceOf } from '../storage/file/data-directory.js';
import { readWhole } from '../storage/file/file-system.js';
import { createNodeFileSystem } from '../storage/file/node-file-system.js';
import { type LogLine, NEWLINE, parseLine } from '../storage/file/record-format.js';

const USAGE = `Usage: npm run log -- DATA_DIR [--after SEQUENCE] [--sku SKU]

Prints the events of DATA_DIR as they stand in the log, one JSON line each, in order.
  --after SEQUENCE  only events behind this one
  --sku SKU         only events that move this SKU, in any store`;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', short: 'h' },
    after: { type: 'string', default: '0' },
    sku: { type: 'string' },
  },
});
const [directory] = positionals;
const after = Number(values.after);
if (values.help === true || directory === undefined || !Number.isSafeInteger(after)) {
  console.log(USAGE);
  process.exitCode = values.help === true ? 0 : 2;
} else {
  // A reader that has seen enough (`| head`) closes the pipe: that is no error.
  process.stdout.on('error', () => process.exit(0));
  process.exitCode = await print(resolve(directory));
}

async function print(root: string): Promise<number> {
  const fileSystem = createNodeFileSystem();
  const { events } = dataPaths(root);
  try {
    const names = await numberedFiles(fileSystem, events);
    for (const [index, name] of names.entries()) {
      const next = names[index + 1];
      if (next !== undefined && sequenceOf(next) <= after + 1) continue;
      await printSegment(await readWhole(fileSystem, `${events}/${name}`));
    }
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

async function printSegment(bytes: Buffer): Promise<void> {
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, start);
    const line = end < 0 ? undefined : parseLine(bytes.subarray(start, end));
    // Behind this lies only what is still being written, or what the next start will cut.
    if (line === undefined) return;
    if (isWanted(line) && !process.stdout.write(bytes.subarray(start, end + 1))) {
      await once(process.stdout, 'drain');
    }
    start = end + 1;
  }
}

function isWanted(line: LogLine): boolean {
  if (line.kind !== 'event' || line.event.sequence <= after) return false;
  return values.sku === undefined || line.event.lines.some(({ sku }) => sku === values.sku);
}
