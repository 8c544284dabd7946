import { type ActiveSegment, appendDurably, newSegment, sha256Of } from './active-segment.js';
import type { BatchWriter } from './batch-writer.js';
import { type DataPaths, fileNameOf } from './data-directory.js';
import { type FileSystem, syncOrDie } from './file-system.js';
import type { SealedSegment } from './manifest.js';
import type { ManifestStore } from './manifest-store.js';
import { controlText } from './record-format.js';
import { timeText } from './time-text.js';

export interface RotationDeps {
  readonly fileSystem: FileSystem;
  readonly paths: DataPaths;
  readonly manifests: ManifestStore;
  readonly writer: BatchWriter;
  readonly now: () => number;
}

/**
 * Closes the segment and opens the next: seal line, sync → new file, sync, directory sync →
 * manifest. A crash in between leaves a sealed segment and at most one empty file; whoever comes
 * next (this function again, or the next start) goes on from there.
 */
export async function rotate(
  { fileSystem, paths, manifests, writer, now }: RotationDeps,
  segment: ActiveSegment,
  epoch: number,
): Promise<ActiveSegment> {
  const { last } = segment.offsets;
  if (!segment.sealed) {
    writer.begin(segment.lastCrc);
    const frame = { epoch, durable: last, previous: segment.lastCrc };
    writer.addLine(controlText('sealed', frame, timeText(now())));
    await appendDurably(segment, writer.bytes, writer.lastCrc);
    segment.sealed = true;
  }
  const name = fileNameOf(last + 1);
  const file = await fileSystem.openAppend(`${paths.events}/${name}`);
  await syncOrDie(() => file.dataSync(), name);
  await syncOrDie(() => fileSystem.syncDirectory(paths.events), paths.events);
  const sealed: SealedSegment = {
    file: segment.name,
    first: segment.offsets.first,
    last,
    bytes: segment.bytes,
    sha256: sha256Of(segment),
    lastCrc: segment.lastCrc,
  };
  await manifests.update(({ sealed: earlier }) => ({
    sealed: [...earlier, sealed],
    durable: last,
  }));
  await segment.file.close();
  return newSegment(name, file, { first: last + 1, lastCrc: segment.lastCrc });
}
