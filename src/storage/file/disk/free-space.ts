import { statfsSync } from 'node:fs';

/** Bytes of the file system that a directory is on. */
export interface DiskRoom {
  /** What the service's user may still write. */
  readonly freeBytes: number;
  readonly sizeBytes: number;
}

/** From the kernel's memory: it does not wait for the disk. A directory that is gone has none. */
export function diskRoomOf(directory: string): DiskRoom {
  try {
    const { bsize, bavail, blocks } = statfsSync(directory);
    return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
  } catch {
    return { freeBytes: 0, sizeBytes: 0 };
  }
}
