import { createHash } from 'node:crypto';
import { LayeredState } from '../layered-state.js';
import type { PublishedState } from '../published-state.js';
import { type DataPaths, fileNameOf } from './data-directory.js';
import { type FileSystem, appendFully, removeIfThere, syncOrDie } from './file-system.js';
import type { Manifest, SnapshotEntry } from './manifest.js';
import { replaySealed } from './replay.js';
import { snapshotLines } from './snapshot-format.js';
import { loadNewestSnapshot } from './snapshot-load.js';

/** How much is gathered before it is handed to the disk. */
const CHUNK_BYTES = 1024 * 1024;

/**
 * The next snapshot, from disk alone: the newest one there is, and the sealed segments behind it.
 * Reads nothing of the running service, so that it can run in another thread; and as it refolds
 * the log by the one rule and compares every hash, it is a standing check that the log is whole.
 */
export async function foldSnapshot(
  deps: {
    readonly fileSystem: FileSystem;
    readonly paths: DataPaths;
    readonly onWarning: (message: string) => void;
  },
  manifest: Pick<Manifest, 'sealed' | 'snapshots'>,
): Promise<SnapshotEntry> {
  const { state: published } = await loadNewestSnapshot(deps, manifest);
  const state = new LayeredState(published);
  await replaySealed(deps, manifest.sealed, state);
  return await writeSnapshot(deps, published);
}

async function writeSnapshot(
  { fileSystem, paths }: { readonly fileSystem: FileSystem; readonly paths: DataPaths },
  state: PublishedState,
): Promise<SnapshotEntry> {
  const file = fileNameOf(state.lastSequence);
  const path = `${paths.snapshots}/${file}`;
  await removeIfThere(fileSystem, `${path}.new`);
  const target = await fileSystem.create(`${path}.new`);
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for (const chunk of gathered(snapshotLines(state))) {
      await appendFully(target, chunk);
      hash.update(chunk);
      bytes += chunk.length;
    }
    await syncOrDie(() => target.dataSync(), file);
  } finally {
    await target.close();
  }
  await fileSystem.rename(`${path}.new`, path);
  await syncOrDie(() => fileSystem.syncDirectory(paths.snapshots), paths.snapshots);
  return { file, sequence: state.lastSequence, bytes, sha256: hash.digest('hex') };
}

function* gathered(lines: Iterable<Buffer>): Iterable<Buffer> {
  let chunk: Buffer[] = [];
  let bytes = 0;
  for (const line of lines) {
    chunk.push(line);
    bytes += line.length;
    if (bytes < CHUNK_BYTES) continue;
    yield Buffer.concat(chunk);
    chunk = [];
    bytes = 0;
  }
  if (chunk.length > 0) yield Buffer.concat(chunk);
}
