import { statfsSync } from 'node:fs';

/** The capacity of the file system that a directory is on. */
export interface DiskRoom {
  /** Available to the service's user. */
  readonly freeBytes: number;
  readonly sizeBytes: number;
}

/** Answered from kernel memory, without waiting for the disk. Zeros if the directory is missing. */
export function diskRoomOf(directory: string): DiskRoom {
  try {
    const { bsize, bavail, blocks } = statfsSync(directory);
    return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
  } catch {
    return { freeBytes: 0, sizeBytes: 0 };
  }
}
