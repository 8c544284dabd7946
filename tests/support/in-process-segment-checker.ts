import { dataPaths } from '../../src/storage/file/disk/data-directory.js';
import type { FileSystem } from '../../src/storage/file/disk/file-system.js';
import type { SegmentChecker } from '../../src/storage/file/integrity/segment-checker.js';
import { checkSealed } from '../../src/storage/file/integrity/segment-check.js';

/** The work of the checking thread, done here: on whatever file system, in the order of the test. */
export function createInProcessSegmentChecker(
  root: string,
  fileSystem: FileSystem,
): SegmentChecker {
  const deps = { fileSystem, paths: dataPaths(root) };
  let running: Promise<unknown> = Promise.resolve();
  return {
    check(segments) {
      const task = checkSealed(deps, segments);
      running = Promise.allSettled([running, task]);
      return task;
    },
    async close() {
      await running;
    },
  };
}
