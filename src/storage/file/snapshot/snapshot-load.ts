import { createHash } from 'node:crypto';
import { PublishedState } from '../../published-state.js';
import type { DataPaths } from '../disk/data-directory.js';
import type { FileSystem } from '../disk/file-system.js';
import { readLines } from '../format/line-reader.js';
import type { Manifest, SnapshotEntry } from '../log/manifest.js';
import { SnapshotReader } from './snapshot-reader.js';

export interface LoadedSnapshot {
  readonly state: PublishedState;
  /** Undefined: no snapshot could be used, so the whole log is folded. */
  readonly entry: SnapshotEntry | undefined;
}

/**
 * The newest snapshot that verifies; a damaged one is skipped with a warning, and costs only time.
 */
export async function loadNewestSnapshot(
  deps: {
    readonly fileSystem: FileSystem;
    readonly paths: DataPaths;
    readonly onWarning: (message: string) => void;
  },
  manifest: Pick<Manifest, 'snapshots'>,
): Promise<LoadedSnapshot> {
  for (const entry of [...manifest.snapshots].reverse()) {
    const path = `${deps.paths.snapshots}/${entry.file}`;
    try {
      return { state: await loadSnapshot(deps.fileSystem, path, entry), entry };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      deps.onWarning(`snapshot ${path} cannot be used (${why}); folding more of the log instead`);
    }
  }
  return { state: new PublishedState(), entry: undefined };
}

export async function loadSnapshot(
  fileSystem: FileSystem,
  path: string,
  entry: SnapshotEntry,
): Promise<PublishedState> {
  const hash = createHash('sha256');
  const reader = new SnapshotReader();
  let bytes = 0;
  const unfinished = await readLines(fileSystem, path, {
    onChunk(chunk) {
      hash.update(chunk);
      bytes += chunk.length;
    },
    onLine: (line) => reader.take(line),
  });
  const state = reader.finish(unfinished);
  if (bytes !== entry.bytes) throw new Error(`has ${bytes} bytes, expected ${entry.bytes}`);
  // The state has not been used before this check.
  if (hash.digest('hex') !== entry.sha256) throw new Error('its hash does not match');
  if (state.lastSequence !== entry.sequence) throw new Error('it is of another sequence');
  return state;
}
