import { readFileSync } from 'node:fs';
import { InventoryClient } from '../client/inventory-client.js';
import { type ImportCommand, USAGE, parseCommandLine } from './import/command-line.js';
import { ImportError } from './import/import-error.js';
import { importOrders } from './import/import-orders.js';
import { showProgress } from './import/progress-display.js';
import { openProgressFile } from './import/progress-file.js';
import { reportOf } from './import/report.js';
import { runCommand } from './command/run-command.js';

process.exitCode = await runCommand({ usage: USAGE, parse: parseCommandLine, run: runImport });

async function runImport(command: ImportCommand): Promise<number> {
  const { file, url, concurrency, retryForMs } = command;
  const client = new InventoryClient({ url, retryForMs });
  let endDisplay = () => {};
  try {
    const result = await importOrders(readFileSync(file), {
      client,
      openProgress: () => openProgressFile(`${file}.progress.jsonl`),
      concurrency,
      onStart(progress, stepCount) {
        endDisplay = showProgress(process.stderr, progress, stepCount);
      },
    });
    endDisplay();
    console.log(reportOf(result));
    return result.differences.length === 0 ? 0 : 1;
  } catch (error) {
    endDisplay();
    if (!isExpected(error)) throw error;
    console.error(`${file}: ${error.message}`);
    return 1;
  }
}

/** Our own errors and system errors (an unreadable or unwritable file) are reported in one line. */
function isExpected(error: unknown): error is Error {
  return error instanceof ImportError || (error instanceof Error && 'syscall' in error);
}
