import { dataPaths } from '../../src/storage/file/disk/data-directory.js';
import type { FileSystem } from '../../src/storage/file/disk/file-system.js';
import type { Maintenance } from '../../src/storage/file/snapshot/maintenance.js';
import { checkSealed } from '../../src/storage/file/log/segment-check.js';

/** The work of the maintenance thread, done here: on whatever file system, in the order of the test. */
export function createInProcessMaintenance(root: string, fileSystem: FileSystem): Maintenance {
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
