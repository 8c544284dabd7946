// log-beyond-room.ts FILE: run with little room for a file, logs more than there is room for, has more
// room made (prlimit), and logs on.
import { execFileSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { openLogDestination } from '../../src/observability/log-destination.js';

const [, , file = ''] = process.argv;
const log = openLogDestination(file);
const lines = (from: number) =>
  Array.from(
    { length: 40 },
    (_, index) => `{"line":${from + index},"text":"${'x'.repeat(1_000)}"}\n`,
  );
log.write(lines(1).join(''));
await pause(100);
execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited:unlimited']);
log.write(lines(41).join(''));
log.writeOut(lines(81).join(''));
process.exit(0);
