import { existsSync, realpathSync, rmSync, rmdirSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { Moment } from '../../application/record-history.js';
import { copyDirectory } from '../../storage/file/copy/copy-directory.js';
import { takeTarget } from '../../storage/file/copy/copy-target.js';
import { createNodeFileSystem } from '../../storage/file/disk/node-file-system.js';
import { isInUse } from '../../storage/file/disk/presence-lock.js';
import { UNFINISHED_NAME } from '../../storage/file/recovery/unfinished-copy.js';
import { createSystem } from '../../system.js';
import { printLogReport } from './log-report.js';

/** Paths as given; they may be relative. */
export interface CopyCommand {
  readonly from: string;
  readonly to: string;
  readonly point?: Moment;
}

/** Copies a data directory and reports what is in the copy; resolves with the exit code. */
export async function runCopy({ from, to, point }: CopyCommand): Promise<number> {
  const fileSystem = createNodeFileSystem();
  const [source, root] = [resolve(from), resolve(to)];
  const isNew = !existsSync(root);
  try {
    if (isInside(root, source))
      throw new Error(`${to} is inside ${from}: name a directory outside`);
    const target = await takeTarget(fileSystem, root).catch((error: unknown) => {
      if (isNew) removeIfEmpty(root);
      throw error;
    });
    const deps = { fileSystem, ...createSystem(), isInUse, onWarning };
    const report = await copyDirectory(deps, source, target, point).catch((error: unknown) => {
      discard(root, isNew);
      throw error;
    });
    printLogReport(report);
    console.log(`${from} is copied to ${to} up to event ${report.lastSequence}`);
    return 0;
  } catch (error) {
    console.error(`nothing was copied: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

/** Also where it was never made, or another copy is made in it. */
function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // It stays.
  }
}

/** The target was empty, so everything in it is ours and useless. The mark is removed last. */
function discard(target: string, isNew: boolean): void {
  try {
    const names = ['MANIFEST.json', 'MANIFEST.json.new', 'events', 'snapshots', 'quarantine'];
    for (const name of names) {
      rmSync(`${target}/${name}`, { recursive: true, force: true });
    }
    rmSync(`${target}/${UNFINISHED_NAME}`, { force: true });
    if (isNew) rmdirSync(target);
  } catch (error) {
    onWarning(`${target} could not be emptied: ${String(error)}`);
  }
}

/** Follows links. A copy inside its source would be lost together with it. */
function isInside(path: string, directory: string): boolean {
  return `${realPath(path)}${sep}`.startsWith(`${realPath(directory)}${sep}`);
}

/** Resolves links in a path whose last parts may not exist yet. */
function realPath(path: string): string {
  if (existsSync(path) || dirname(path) === path) return realpathSync(path);
  return join(realPath(dirname(path)), basename(path));
}

function onWarning(message: string): void {
  console.error(`warning: ${message}`);
}
