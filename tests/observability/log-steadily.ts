// log-steadily.ts: logs 48 MB, 8 MB a second at the most.
import { setTimeout as pause } from 'node:timers/promises';
import { openLogDestination } from '../../src/observability/log-destination.js';

const LINES = 32;
const log = openLogDestination(1);
const text = 'x'.repeat(1_000);
const startedAt = performance.now();
for (let sent = 0; sent < 1_500; sent += 1) {
  const lines = Array.from(
    { length: LINES },
    (_, index) => `{"line":${sent * LINES + index + 1},"text":"${text}"}\n`,
  );
  log.write(lines.join(''));
  while (performance.now() - startedAt < sent * 4) await pause(1);
}
log.writeOut('');
process.exit(0);
