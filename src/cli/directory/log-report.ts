import type { LogReport } from '../../storage/file/recovery/verify-log.js';
import { timeText } from '../../time-text.js';

/** Prints the result of folding a whole log, for people; differences go to standard error. */
export function printLogReport(report: LogReport): void {
  const rows: [string, string | number][] = [
    ['events', report.events],
    ['stock records', report.records],
    ['units on hand', report.onHand],
    ['units reserved', report.reserved],
    ['active reservations', report.activeReservations],
    ['live idempotency keys', report.liveKeys],
    ['highest sequence', sequenceText(report)],
    ['segments', `${report.sealedSegments} sealed, 1 active`],
    ['last stop', report.clean ? 'clean' : 'not clean (or the server is running)'],
    ['torn tail', `${report.tornBytes} bytes, never acknowledged`],
    ['snapshots', report.snapshots.map(({ file, verdict }) => `${file} ${verdict}`).join(', ')],
    ['node', nodeText(report)],
  ];
  for (const [name, value] of rows) console.log(`${name.padEnd(24)}${value}`.trimEnd());
  console.log('checked on every event: line, crc, chain, sequence, time, versions, keys, holds,');
  console.log('  available >= 0; on every sealed segment: size and sha256; against each snapshot');
  for (const difference of report.differences) console.error(`difference: ${difference}`);
  console.log(report.differences.length === 0 ? 'all holds' : 'NOT all holds');
}

function sequenceText({ lastSequence, lastAt }: LogReport): string {
  return lastAt === undefined ? '0' : `${lastSequence}, of ${timeText(lastAt)}`;
}

function nodeText({ nodeId, origin }: LogReport): string {
  if (origin === null) return nodeId;
  return `${nodeId}, copied from ${origin.nodeId} up to event ${origin.sequence}`;
}
