import { dataPaths } from '../../src/storage/file/data-directory.js';
import type { FileSystem } from '../../src/storage/file/file-system.js';
import type { Maintenance } from '../../src/storage/file/maintenance.js';
import { checkSealed } from '../../src/storage/file/segment-check.js';
import { foldSnapshot } from '../../src/storage/file/snapshot-write.js';

/** The work of the maintenance thread, done here: on whatever file system, in the order of the test. */
export function createInProcessMaintenance(
  root: string,
  fileSystem: FileSystem,
  onWarning: (message: string) => void,
): Maintenance {
  const deps = { fileSystem, paths: dataPaths(root), onWarning };
  let running: Promise<unknown> = Promise.resolve();

  function start<T>(task: Promise<T>): Promise<T> {
    running = Promise.allSettled([running, task]);
    return task;
  }

  return {
    snapshot: (manifest) => start(foldSnapshot(deps, manifest)),
    check: (segments) => start(checkSealed(deps, segments)),
    async close() {
      await running;
    },
  };
}
