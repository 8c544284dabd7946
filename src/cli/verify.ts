/** npm run verify -- DATA_DIR: refolds the log from disk, and says whether all of it holds. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type LogReport, verifyLog } from '../storage/file/verify-log.js';
import { createNodeFileSystem } from '../storage/file/node-file-system.js';

const USAGE = `Usage: npm run verify -- DATA_DIR

Refolds the event log of DATA_DIR from its first line, changing nothing, and checks every line.
A running server may go on meanwhile. Exit code 0: all holds; 1: damage, with its place.`;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { help: { type: 'boolean', short: 'h' } },
});
const [directory] = positionals;
if (values.help === true || directory === undefined) {
  console.log(USAGE);
  process.exitCode = values.help === true ? 0 : 2;
} else {
  process.exitCode = await main(resolve(directory));
}

async function main(root: string): Promise<number> {
  try {
    const report = await verifyLog(createNodeFileSystem(), root);
    print(report);
    return report.differences.length > 0 ? 1 : 0;
  } catch (error) {
    console.error(`damaged: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

function print(report: LogReport): void {
  const rows: [string, string | number][] = [
    ['events', report.events],
    ['stock records', report.records],
    ['units on hand', report.onHand],
    ['units reserved', report.reserved],
    ['active reservations', report.activeReservations],
    ['live idempotency keys', report.liveKeys],
    ['highest sequence', report.lastSequence],
    ['segments', `${report.sealedSegments} sealed, 1 active`],
    ['last stop', report.clean ? 'clean' : 'not clean (or the server is running)'],
    ['torn tail', `${report.tornBytes} bytes, never acknowledged`],
    ['snapshots', report.snapshots.map(({ file, verdict }) => `${file} ${verdict}`).join(', ')],
  ];
  for (const [name, value] of rows) console.log(`${name.padEnd(24)}${value}`);
  console.log('checked on every event: line, crc, chain, sequence, time, versions, keys, holds,');
  console.log('  available >= 0; on every sealed segment: size and sha256; against each snapshot');
  for (const difference of report.differences) console.error(`difference: ${difference}`);
  console.log(report.differences.length === 0 ? 'all holds' : 'NOT all holds');
}
