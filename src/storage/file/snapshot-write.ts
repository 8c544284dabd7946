import { createHash } from 'node:crypto';
import { LayeredState } from '../layered-state.js';
import type { PublishedState } from '../published-state.js';
import { type DataPaths, fileNameOf } from './data-directory.js';
import { type FileSystem, removeIfThere, syncOrDie, writeNewFile } from './file-system.js';
import type { Manifest, SnapshotEntry } from './manifest.js';
import { replaySealed } from './replay.js';
import { snapshotLines } from './snapshot-format.js';
import { loadNewestSnapshot } from './snapshot-load.js';

/** How much is gathered before it is handed to the disk. */
const CHUNK_BYTES = 1024 * 1024;

interface SnapshotWriteDeps {
  readonly fileSystem: FileSystem;
  readonly paths: DataPaths;
  readonly onWarning: (message: string) => void;
}

/**
 * The next snapshot, from disk alone: the newest one there is, and the sealed segments behind it.
 * Reads nothing of the running service, so that it can run in another thread; and as it refolds
 * the log by the one rule and compares every hash, it is a standing check that the log is whole:
 * rejects with DataDirectoryError where it is not.
 */
export async function foldSnapshot(
  deps: SnapshotWriteDeps,
  manifest: Pick<Manifest, 'sealed' | 'snapshots'>,
): Promise<SnapshotEntry> {
  await removeLeftovers(deps, manifest);
  const { state: published } = await loadNewestSnapshot(deps, manifest);
  const state = new LayeredState(published);
  await replaySealed(deps, manifest.sealed, state);
  return await writeSnapshot(deps, published);
}

/** What the manifest does not name was never finished, or should have been removed. */
async function removeLeftovers(
  { fileSystem, paths }: SnapshotWriteDeps,
  manifest: Pick<Manifest, 'snapshots'>,
): Promise<void> {
  const named = new Set(manifest.snapshots.map(({ file }) => file));
  for (const name of await fileSystem.list(paths.snapshots)) {
    if (named.has(name) || !/^\d{12}\.jsonl(\.new)?$/.test(name)) continue;
    await removeIfThere(fileSystem, `${paths.snapshots}/${name}`);
  }
}

async function writeSnapshot(
  { fileSystem, paths }: SnapshotWriteDeps,
  state: PublishedState,
): Promise<SnapshotEntry> {
  const file = fileNameOf(state.lastSequence);
  const path = `${paths.snapshots}/${file}`;
  const hash = createHash('sha256');
  let bytes = 0;
  function* measured(): Iterable<Buffer> {
    for (const chunk of gathered(snapshotLines(state))) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  await writeNewFile(fileSystem, `${path}.new`, measured());
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
