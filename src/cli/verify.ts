/** npm run verify -- DATA_DIR: refolds the log from disk, and says whether all of it holds. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { errorCode } from '../storage/file/disk/file-system.js';
import { createNodeFileSystem } from '../storage/file/disk/node-file-system.js';
import { MANIFEST_NAME } from '../storage/file/log/manifest.js';
import { verifyLog } from '../storage/file/recovery/verify-log.js';
import { printLogReport } from './directory/log-report.js';
import { UsageError, runCommand } from './command/run-command.js';

const USAGE = `Usage: npm run verify -- DATA_DIR

Refolds the event log of DATA_DIR from its first line, changing nothing, and checks every line.
A server may run meanwhile. Exit code 0: no fault found; 1: damaged, and the message says where.`;

process.exitCode = await runCommand({ usage: USAGE, parse: directoryOf, run: verify });

async function verify({ path }: { readonly path: string }): Promise<number> {
  if (!existsSync(`${path}/${MANIFEST_NAME}`)) {
    console.error(`${path} has no ${MANIFEST_NAME}: it is no data directory`);
    return 1;
  }
  try {
    const report = await verifyLog(createNodeFileSystem(), path);
    printLogReport(report);
    return report.differences.length > 0 ? 1 : 0;
  } catch (error) {
    const what = isOfSystem(error) ? 'cannot be read' : 'damaged';
    console.error(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

/** No permission, say: that tells nothing about the data. */
function isOfSystem(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return (errorCode(error) ?? errorCode(cause)) !== undefined;
}

function directoryOf(args: string[]): { readonly path: string } | 'help' {
  const help = { type: 'boolean', short: 'h', default: false } as const;
  const { positionals, values } = parseArgs({ args, allowPositionals: true, options: { help } });
  if (values.help) return 'help';
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) throw new UsageError('name one data directory');
  return { path: resolve(path) };
}
