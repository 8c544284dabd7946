import { basename } from 'node:path';
import { type ActiveSegment, newSegment } from '../log/active-segment.js';
import type { DataPaths } from '../disk/data-directory.js';
import {
  type FileSystem,
  readWhole,
  syncFile,
  syncOrDie,
  writeNewFile,
} from '../disk/file-system.js';
import type { ManifestStore } from '../log/manifest-store.js';
import type { Recovered } from './recovery.js';

interface PrepareDeps {
  readonly fileSystem: FileSystem;
  readonly paths: DataPaths;
  readonly epoch: number;
}

/**
 * Prepares a recovered directory for appends. Every step may be repeated, so that a start without
 * room on disk can retry later:
 *  1. a torn tail is copied to quarantine/, and never deleted there;
 *  2. after an unclean stop the good part of the active segment is rewritten to a new file that
 *     replaces the old one: bytes beyond the loss floor may exist only in the page cache, and an
 *     fdatasync of the old file could succeed without writing them if an earlier one had failed;
 *  3. the clean mark is cleared and the new epoch recorded, before anything is appended.
 * Resolves with the active segment; everything recovered is then durable.
 */
export async function prepareForAppends(
  deps: PrepareDeps,
  recovered: Recovered,
  manifests: ManifestStore,
): Promise<ActiveSegment> {
  const { fileSystem, paths, epoch } = deps;
  const { active, clean } = recovered;
  const { scan, name, bytes, offsets } = active;
  const path = `${paths.events}/${name}`;
  const good = bytes.subarray(0, scan.goodBytes);
  if (scan.broken !== undefined) {
    const kept = `${paths.quarantine}/${name}.from-${scan.goodBytes}.epoch-${epoch}`;
    await quarantine(deps, kept, bytes.subarray(scan.goodBytes));
  }
  if (!clean) {
    await writeNewFile(fileSystem, `${path}.new`, [good]);
    await fileSystem.rename(`${path}.new`, path);
    await syncOrDie(() => fileSystem.syncDirectory(paths.events), paths.events);
  }
  await manifests.update(() => ({ epoch, clean: null, durable: scan.last }));
  const file = await fileSystem.openAppend(path);
  const segment = newSegment(name, file, { first: offsets.first, lastCrc: scan.lastCrc });
  segment.hash.update(good);
  return Object.assign(segment, { offsets, bytes: good.length, sealed: scan.sealed });
}

/** A repeated start reuses its earlier copy; a copy with other bytes is kept beside the new one. */
async function quarantine(
  { fileSystem, paths }: PrepareDeps,
  kept: string,
  tail: Uint8Array,
): Promise<void> {
  const names = new Set(await fileSystem.list(paths.quarantine));
  let path = kept;
  for (let number = 2; names.has(basename(path)); number += 1) {
    if ((await readWhole(fileSystem, path)).equals(tail)) break;
    path = `${kept}.${number}`;
  }
  if (names.has(basename(path))) await syncFile(fileSystem, path);
  else await writeNewFile(fileSystem, path, [tail]);
  await syncOrDie(() => fileSystem.syncDirectory(paths.quarantine), paths.quarantine);
}
