import type { Clock } from '../../../system.js';
import type { FileSystem, OpenFile } from './file-system.js';

/** The same file system; `onSynced` receives the duration of each successful sync of a file. */
export function observeSyncs(
  fileSystem: FileSystem,
  clock: Clock,
  onSynced: (durationMs: number) => void,
): FileSystem {
  function observed(file: OpenFile): OpenFile {
    return {
      ...file,
      async dataSync() {
        const startedAtMs = clock.monotonicMs();
        await file.dataSync();
        onSynced(clock.monotonicMs() - startedAtMs);
      },
    };
  }
  return {
    ...fileSystem,
    openAppend: async (path) => observed(await fileSystem.openAppend(path)),
    create: async (path) => observed(await fileSystem.create(path)),
    openOverwrite: async (path) => observed(await fileSystem.openOverwrite(path)),
  };
}
