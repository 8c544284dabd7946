import { dirname } from 'node:path';
import type { IdSource } from '../../../system.js';
import { type DataPaths, fileNameOf, numberedFiles } from '../disk/data-directory.js';
import { DataDirectoryError } from '../disk/errors.js';
import { type FileSystem, errorCode, sizeOf, syncFile, syncOrDie } from '../disk/file-system.js';
import { FORMAT_VERSION, MANIFEST_NAME, type Manifest, saveManifest } from '../log/manifest.js';
import { UNFINISHED_NAME, unfinishedText } from './unfinished-copy.js';
import { readWatermark } from '../log/watermark.js';

interface FreshDirectoryDeps {
  readonly fileSystem: FileSystem;
  readonly paths: DataPaths;
  readonly ids: IdSource;
}

/**
 * Creates the first, empty segment and then the manifest: a crash in between leaves a directory
 * that is still fresh. Rejects with DataDirectoryError if it shows signs of an earlier manifest.
 */
export async function makeFreshDirectory(deps: FreshDirectoryDeps): Promise<Manifest> {
  const { fileSystem, paths, ids } = deps;
  await assertFresh(deps);
  await syncFile(fileSystem, `${paths.events}/${fileNameOf(1)}`);
  await syncOrDie(() => fileSystem.syncDirectory(paths.events), paths.events);
  await syncAbove(fileSystem, paths.root);
  const manifest: Manifest = {
    format: FORMAT_VERSION,
    generation: 1,
    nodeId: ids.next(),
    origin: null,
    epoch: 0,
    sealed: [],
    snapshots: [],
    durable: 0,
    clean: null,
  };
  await saveManifest(fileSystem, paths.root, manifest);
  return manifest;
}

/** Fresh: no byte in any segment, no snapshot, no watermark above 0, no unfinished copy. */
async function assertFresh({ fileSystem, paths }: FreshDirectoryDeps): Promise<void> {
  if ((await fileSystem.list(paths.root)).includes(UNFINISHED_NAME)) {
    throw new DataDirectoryError(unfinishedText(paths.root));
  }
  const snapshots = await numberedFiles(fileSystem, paths.snapshots);
  let used = snapshots.length > 0 || (await readWatermark(fileSystem, paths.watermark)) > 0;
  for (const name of await numberedFiles(fileSystem, paths.events)) {
    used ||= (await sizeOf(fileSystem, `${paths.events}/${name}`)) > 0;
  }
  if (!used) return;
  throw new DataDirectoryError(
    `${paths.root} has data but no ${MANIFEST_NAME}: restore it, or point DATA_DIR elsewhere`,
  );
}

/** The error codes of a directory that we may not open or that cannot be synced. */
const NOT_OURS = new Set(['EACCES', 'EPERM', 'EINVAL']);

/** DATA_DIR and its parents may just have been created: their entries must be durable, too. */
export async function syncAbove(fileSystem: FileSystem, root: string): Promise<void> {
  for (let path = dirname(root); ; path = dirname(path)) {
    await syncOrDie(async () => {
      await fileSystem.syncDirectory(path).catch((error: unknown) => {
        if (!NOT_OURS.has(errorCode(error) ?? '')) throw error;
      });
    }, path);
    if (path === dirname(path)) return;
  }
}
