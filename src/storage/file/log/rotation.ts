import { type ActiveSegment, appendDurably, newSegment, sha256Of } from './active-segment.js';
import type { BatchWriter } from './batch-writer.js';
import { type DataPaths, fileNameOf } from '../disk/data-directory.js';
import { type FileSystem, closeQuietly, syncOrDie } from '../disk/file-system.js';
import type { SealedSegment } from './manifest.js';
import type { ManifestStore } from './manifest-store.js';
import { controlText } from '../format/record-format.js';
import { timeText } from '../../../time-text.js';

export interface RotationDeps {
  readonly fileSystem: FileSystem;
  readonly paths: DataPaths;
  readonly manifests: ManifestStore;
  readonly writer: BatchWriter;
  readonly now: () => number;
}

/**
 * Seals the segment and opens the next: seal line, sync → new file, sync, directory sync →
 * manifest. A crash in between leaves a sealed segment and at most one empty file; the next call of
 * this function, by this or another process or after a start, continues from there.
 */
export async function rotate(
  deps: RotationDeps,
  segment: ActiveSegment,
  epoch: number,
): Promise<ActiveSegment> {
  const { fileSystem, paths, manifests } = deps;
  const { last } = segment.offsets;
  if (!segment.sealed) await seal(deps, segment, epoch);
  const name = fileNameOf(last + 1);
  const file = await fileSystem.openAppend(`${paths.events}/${name}`);
  try {
    await syncOrDie(() => file.dataSync(), name);
    await syncOrDie(() => fileSystem.syncDirectory(paths.events), paths.events);
    const sealed = sealedEntry(segment);
    await manifests.update(({ sealed: earlier }) => ({
      sealed: [...earlier, sealed],
      durable: last,
    }));
  } catch (error) {
    await closeQuietly(file);
    throw error;
  }
  // The rotation is complete: a failure from here on would cause it to be repeated.
  await closeQuietly(segment.file);
  return newSegment(name, file, { first: last + 1, lastCrc: segment.lastCrc });
}

/** Appends the line, durably, that says that nothing follows in this segment. */
export async function seal(
  { writer, now }: Pick<RotationDeps, 'writer' | 'now'>,
  segment: ActiveSegment,
  epoch: number,
): Promise<void> {
  writer.begin(segment.lastCrc);
  const frame = { epoch, durable: segment.offsets.last, previous: segment.lastCrc };
  writer.addLine(controlText('sealed', frame, timeText(now())));
  await appendDurably(segment, writer.bytes, writer.lastCrc);
  segment.sealed = true;
}

function sealedEntry(segment: ActiveSegment): SealedSegment {
  return {
    file: segment.name,
    first: segment.offsets.first,
    last: segment.offsets.last,
    bytes: segment.bytes,
    sha256: sha256Of(segment),
    lastCrc: segment.lastCrc,
  };
}
