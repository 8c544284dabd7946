import { createHash } from 'node:crypto';
import type { FrozenState } from '../../frozen-state.js';
import { BatchWriter } from '../log/batch-writer.js';
import { type DataPaths, fileNameOf } from '../disk/data-directory.js';
import { type FileSystem, removeIfThere, syncOrDie, writeNewFile } from '../disk/file-system.js';
import type { Manifest, SnapshotEntry } from '../log/manifest.js';
import { snapshotTexts } from './snapshot-texts.js';

/**
 * Size of the chunks written to disk: about a millisecond of work each, after which waiting
 * requests are served.
 */
const CHUNK_BYTES = 64 * 1024;

interface SnapshotWriteDeps {
  readonly fileSystem: FileSystem;
  readonly paths: DataPaths;
  /** Called before each chunk; may throw to end the write. */
  readonly onChunk: () => void;
}

/** Writes the frozen state to a snapshot file, durably; the manifest does not name it yet. */
export async function writeSnapshot(
  { fileSystem, paths, onChunk }: SnapshotWriteDeps,
  state: FrozenState,
): Promise<SnapshotEntry> {
  const file = fileNameOf(state.lastSequence);
  const path = `${paths.snapshots}/${file}`;
  const hash = createHash('sha256');
  let bytes = 0;
  function* measured(): Iterable<Buffer> {
    for (const chunk of chunksOf(snapshotTexts(state))) {
      onChunk();
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

/** A file that the manifest does not name was never finished, or should have been removed. */
export async function removeLeftovers(
  { fileSystem, paths }: Pick<SnapshotWriteDeps, 'fileSystem' | 'paths'>,
  manifest: Pick<Manifest, 'snapshots'>,
): Promise<void> {
  const named = new Set(manifest.snapshots.map(({ file }) => file));
  for (const name of await fileSystem.list(paths.snapshots)) {
    if (named.has(name) || !/^\d{12}\.jsonl(\.new)?$/.test(name)) continue;
    await removeIfThere(fileSystem, `${paths.snapshots}/${name}`);
  }
}

/** Each chunk is valid until the next one is requested. */
function* chunksOf(texts: Iterable<string>): Iterable<Buffer> {
  const writer = new BatchWriter();
  writer.begin('');
  for (const text of texts) {
    writer.addLine(text);
    if (writer.bytes.length < CHUNK_BYTES) continue;
    yield writer.bytes;
    writer.begin('');
  }
  if (writer.bytes.length > 0) yield writer.bytes;
}
