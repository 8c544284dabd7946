/** npm run verify -- DATA_DIR: refolds the log from disk, and says whether all of it holds. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createNodeFileSystem } from '../storage/file/node-file-system.js';
import { verifyLog } from '../storage/file/verify-log.js';
import { printLogReport } from './directory/log-report.js';

const USAGE = `Usage: npm run verify -- DATA_DIR

Refolds the event log of DATA_DIR from its first line, changing nothing, and checks every line.
A running server may go on meanwhile. Exit code 0: all holds; 1: damage, with its place.`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const directory = directoryOf(args);
  if (directory === undefined) {
    console.error(USAGE);
    return 2;
  }
  if (directory === 'help') {
    console.log(USAGE);
    return 0;
  }
  try {
    const report = await verifyLog(createNodeFileSystem(), directory.path);
    printLogReport(report);
    return report.differences.length > 0 ? 1 : 0;
  } catch (error) {
    console.error(`damaged: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

/** Undefined: wrong usage. */
function directoryOf(args: string[]): { readonly path: string } | 'help' | undefined {
  try {
    const help = { type: 'boolean', short: 'h', default: false } as const;
    const { positionals, values } = parseArgs({ args, allowPositionals: true, options: { help } });
    if (values.help) return 'help';
    const [path] = positionals;
    return path === undefined || positionals.length > 1 ? undefined : { path: resolve(path) };
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
