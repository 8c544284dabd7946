import { dataPaths, makeDirectories, type DataPaths } from '../disk/data-directory.js';
import { DataDirectoryError } from '../disk/errors.js';
import { type FileSystem, closeQuietly, errorCode, syncOrDie } from '../disk/file-system.js';
import { syncAbove } from '../recovery/fresh-directory.js';
import { type Manifest, saveManifest } from '../log/manifest.js';
import { UNFINISHED_NAME, unfinishedText } from '../recovery/unfinished-copy.js';

/** What a new file system has by itself. */
const NOBODYS = new Set(['lost+found']);

/**
 * Takes an empty directory, or one that is not there yet, for a copy. Rejects with
 * DataDirectoryError where anything is in it. From here on, whatever happens, it is no data
 * directory until `finish` has put the manifest into it.
 */
export async function takeTarget(fileSystem: FileSystem, root: string): Promise<DataPaths> {
  const paths = dataPaths(root);
  await fileSystem.makeDirectory(root);
  await assertEmpty(fileSystem, root);
  await makeMark(fileSystem, root);
  await syncOrDie(() => fileSystem.syncDirectory(root), root);
  await syncAbove(fileSystem, root);
  await makeDirectories(fileSystem, paths);
  return paths;
}

/** Everything but the manifest is in place, and its bytes are durable: now it is a data directory. */
export async function finishTarget(
  fileSystem: FileSystem,
  { root }: DataPaths,
  manifest: Manifest,
): Promise<void> {
  await saveManifest(fileSystem, root, manifest);
  await fileSystem.remove(`${root}/${UNFINISHED_NAME}`);
  await syncOrDie(() => fileSystem.syncDirectory(root), root);
}

async function assertEmpty(fileSystem: FileSystem, root: string): Promise<void> {
  const names = (await fileSystem.list(root)).filter((name) => !NOBODYS.has(name));
  if (names.length === 0) return;
  if (names.includes(UNFINISHED_NAME)) throw new DataDirectoryError(unfinishedText(root));
  throw new DataDirectoryError(
    `${root} is not empty (${names.sort()[0] ?? ''}, …): name a new or an empty directory`,
  );
}

/** Of two that come at the same time, one makes it. */
async function makeMark(fileSystem: FileSystem, root: string): Promise<void> {
  try {
    await closeQuietly(await fileSystem.create(`${root}/${UNFINISHED_NAME}`));
  } catch (error) {
    if (errorCode(error) === 'EEXIST') throw new DataDirectoryError(unfinishedText(root));
    throw error;
  }
}
