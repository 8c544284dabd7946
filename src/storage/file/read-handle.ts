import type { FileSystem, OpenFile } from './file-system.js';

/** Keeps the file that was read last open, since the next read is most often of the same one. */
export interface ReadHandle {
  use<T>(path: string, task: (file: OpenFile) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

interface Shared {
  readonly path: string;
  readonly opening: Promise<OpenFile>;
  users: number;
}

export function createReadHandle(fileSystem: FileSystem): ReadHandle {
  let current: Shared | undefined;

  async function letGo(shared: Shared): Promise<void> {
    if (shared === current || shared.users > 0) return;
    await (await shared.opening).close();
  }

  return {
    async use(path, task) {
      const shared =
        current?.path === path ? current : { path, opening: fileSystem.openRead(path), users: 0 };
      const before = current;
      current = shared;
      shared.users += 1;
      try {
        return await task(await shared.opening);
      } catch (error) {
        // A file that would not open must not be kept for the next one.
        if (current === shared) current = undefined;
        throw error;
      } finally {
        shared.users -= 1;
        if (before !== undefined && before !== shared) await letGo(before);
        await letGo(shared);
      }
    },
    async close() {
      const last = current;
      current = undefined;
      if (last !== undefined) await letGo(last);
    },
  };
}
