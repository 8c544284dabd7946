import { createHash } from 'node:crypto';
import { type DataPaths, unreadable } from '../disk/data-directory.js';
import { type FileSystem, closeQuietly } from '../disk/file-system.js';
import type { SealedSegment } from '../log/manifest.js';

const CHUNK_BYTES = 1024 * 1024;

/**
 * Compares sealed segments with their recorded hashes; resolves with the first mismatch, if any.
 * `onChunk` is called before each MiB: what it throws ends the check.
 */
export async function checkSealed(
  { fileSystem, paths }: { readonly fileSystem: FileSystem; readonly paths: DataPaths },
  segments: readonly SealedSegment[],
  onChunk: () => void = () => undefined,
): Promise<string | undefined> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (const segment of segments) {
    const path = `${paths.events}/${segment.file}`;
    try {
      if ((await sha256OfFile(fileSystem, path, { buffer, onChunk })) !== segment.sha256) {
        return `${path} (events ${segment.first} to ${segment.last}) is not what was sealed`;
      }
    } catch (error) {
      const why = unreadable(error);
      if (why === undefined) throw error;
      return `${path} (events ${segment.first} to ${segment.last}) ${why}`;
    }
  }
  return undefined;
}

async function sha256OfFile(
  fileSystem: FileSystem,
  path: string,
  { buffer, onChunk }: { readonly buffer: Uint8Array; readonly onChunk: () => void },
): Promise<string> {
  const hash = createHash('sha256');
  const file = await fileSystem.openRead(path);
  try {
    let read: number;
    for (let position = 0; (read = await file.read(buffer, position)) > 0; position += read) {
      onChunk();
      hash.update(buffer.subarray(0, read));
    }
  } finally {
    await closeQuietly(file);
  }
  return hash.digest('hex');
}
