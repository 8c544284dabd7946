// log-and-exit.ts COUNT: logs so many lines, and ends at once.
import { createLogger } from '../../src/observability/logger.js';

const [, , count = '0'] = process.argv;
const { logger, writeOut } = createLogger({ level: 'info' });
for (let line = 1; line <= Number(count); line += 1) {
  logger.info({ line, text: 'x'.repeat(200) }, 'a line');
}
writeOut();
process.exit(0);
