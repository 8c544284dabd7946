import { type ActiveSegment, newSegment } from './active-segment.js';
import type { DataPaths } from './data-directory.js';
import { type FileSystem, syncOrDie, writeNewFile } from './file-system.js';
import type { ManifestStore } from './manifest-store.js';
import type { Recovered } from './recovery.js';

/**
 * Makes a recovered directory fit to be appended to. Every step may be repeated, so that a start
 * without room on disk can try again later:
 *  1. a torn tail is copied to quarantine/, never deleted;
 *  2. after an unclean stop the good part of the active segment is written to a new file and put in
 *     place: what lies beyond the loss floor may exist in the page cache only, and an fdatasync of
 *     the old file would say nothing about it if an earlier one had failed;
 *  3. the clean mark is cleared and the new epoch recorded, before anything is appended.
 * Resolves with the active segment; everything recovered is durable then.
 */
export async function prepareForAppends(
  deps: { readonly fileSystem: FileSystem; readonly paths: DataPaths; readonly epoch: number },
  recovered: Recovered,
  manifests: ManifestStore,
): Promise<ActiveSegment> {
  const { fileSystem, paths, epoch } = deps;
  const { active, clean } = recovered;
  const { scan, name, bytes, offsets } = active;
  const path = `${paths.events}/${name}`;
  const good = bytes.subarray(0, scan.goodBytes);
  if (scan.broken !== undefined) {
    const tail = bytes.subarray(scan.goodBytes);
    const kept = `${paths.quarantine}/${name}.from-${scan.goodBytes}.epoch-${epoch}`;
    await writeNewFile(fileSystem, kept, tail);
    await syncOrDie(() => fileSystem.syncDirectory(paths.quarantine), paths.quarantine);
  }
  if (!clean) {
    await writeNewFile(fileSystem, `${path}.new`, good);
    await fileSystem.rename(`${path}.new`, path);
    await syncOrDie(() => fileSystem.syncDirectory(paths.events), paths.events);
  }
  await manifests.update(() => ({ epoch, clean: null, durable: scan.last }));
  const file = await fileSystem.openAppend(path);
  const segment = newSegment(name, file, { first: offsets.first, lastCrc: scan.lastCrc });
  segment.hash.update(good);
  return Object.assign(segment, { offsets, bytes: good.length, sealed: scan.sealed });
}
