import { type FileSystem, type OpenFile, closeQuietly } from './file-system.js';

/** Keeps the file that was read last open, since the next read is usually of the same file. */
export interface ReadHandle {
  use<T>(path: string, task: (file: OpenFile) => Promise<T>): Promise<T>;
  /** Closes the open file once its users have finished; the next use opens it again. */
  close(): Promise<void>;
}

interface Shared {
  readonly path: string;
  readonly opening: Promise<OpenFile>;
  users: number;
}

export function createReadHandle(fileSystem: FileSystem): ReadHandle {
  let current: Shared | undefined;

  /** Closes a file that is no longer current, when its last user leaves. */
  async function closeIfLast(shared: Shared): Promise<void> {
    if (shared === current || shared.users > 0) return;
    const file = await shared.opening.catch(() => undefined);
    if (file !== undefined) await closeQuietly(file);
  }

  async function makeCurrent(next: Shared | undefined): Promise<void> {
    const before = current;
    current = next;
    if (before !== undefined) await closeIfLast(before);
  }

  return {
    async use(path, task) {
      let shared = current;
      if (shared?.path !== path) {
        shared = { path, opening: fileSystem.openRead(path), users: 0 };
        void makeCurrent(shared);
      }
      shared.users += 1;
      try {
        return await task(await shared.opening);
      } catch (error) {
        // A file that failed to open or to be read must not be kept for the next use.
        if (current === shared) current = undefined;
        throw error;
      } finally {
        shared.users -= 1;
        await closeIfLast(shared);
      }
    },
    close: () => makeCurrent(undefined),
  };
}
