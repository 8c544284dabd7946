import { createHash } from 'node:crypto';
import { type DataPaths, unreadable } from '../disk/data-directory.js';
import { type FileSystem, readWhole, syncOrDie, writeNewFile } from '../disk/file-system.js';
import { type SnapshotEntry, loadManifest } from '../log/manifest.js';
import type { SourceLog } from './source-log.js';

interface SnapshotCopyDeps {
  readonly fileSystem: FileSystem;
  readonly onWarning: (message: string) => void;
}

/**
 * Copies the snapshots up to event `last`, durably; resolves with those copied. A damaged one is
 * omitted with a warning: the copy is complete without it, and only takes longer to start. One that
 * a running server has replaced meanwhile is omitted silently.
 */
export async function copySnapshots(
  { fileSystem, onWarning }: SnapshotCopyDeps,
  { paths, manifest }: SourceLog,
  to: DataPaths,
  last: number,
): Promise<readonly SnapshotEntry[]> {
  const copied: SnapshotEntry[] = [];
  for (const entry of manifest.snapshots.filter(({ sequence }) => sequence <= last)) {
    const path = `${paths.snapshots}/${entry.file}`;
    const bytes = await readIfGood(fileSystem, path, entry.sha256);
    if (bytes === undefined) {
      const now = await loadManifest(fileSystem, paths.root);
      if (now?.snapshots.some(({ file }) => file === entry.file) !== true) continue;
      onWarning(`snapshot ${path} is damaged or missing; the log is copied without it`);
      continue;
    }
    await writeNewFile(fileSystem, `${to.snapshots}/${entry.file}`, [bytes]);
    copied.push(entry);
  }
  await syncOrDie(() => fileSystem.syncDirectory(to.snapshots), to.snapshots);
  return copied;
}

async function readIfGood(
  fileSystem: FileSystem,
  path: string,
  sha256: string,
): Promise<Buffer | undefined> {
  try {
    const bytes = await readWhole(fileSystem, path);
    return createHash('sha256').update(bytes).digest('hex') === sha256 ? bytes : undefined;
  } catch (error) {
    if (unreadable(error) === undefined) throw error;
    return undefined;
  }
}
