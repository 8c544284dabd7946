import { dataPaths, makeDirectories, type DataPaths } from '../disk/data-directory.js';
import { DataDirectoryError } from '../disk/errors.js';
import { type FileSystem, closeQuietly, errorCode, syncOrDie } from '../disk/file-system.js';
import { syncAbove } from '../recovery/fresh-directory.js';
import { type Manifest, saveManifest } from '../log/manifest.js';
import { UNFINISHED_NAME, unfinishedText } from '../recovery/unfinished-copy.js';

/** Present in a newly made file system. */
const NOBODYS = new Set(['lost+found']);

/**
 * Reserves an empty or missing directory for a copy. Rejects with DataDirectoryError if there is
 * anything in it. From here on, whatever happens, it is not a data directory until `finishTarget`
 * has written the manifest.
 */
export async function takeTarget(fileSystem: FileSystem, root: string): Promise<DataPaths> {
  const paths = dataPaths(root);
  await fileSystem.makeDirectory(root);
  await assertEmpty(fileSystem, root);
  await makeMark(fileSystem, root);
  return paths;
}

/** Makes the mark durable, and then the directories for the copy. */
export async function prepareTarget(fileSystem: FileSystem, paths: DataPaths): Promise<void> {
  const { root } = paths;
  await syncOrDie(() => fileSystem.syncDirectory(root), root);
  await syncAbove(fileSystem, root);
  await makeDirectories(fileSystem, paths);
}

/** Makes it a data directory; everything but the manifest is already in place and durable. */
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

/** Of two concurrent copies, only one creates the mark. */
async function makeMark(fileSystem: FileSystem, root: string): Promise<void> {
  try {
    await closeQuietly(await fileSystem.create(`${root}/${UNFINISHED_NAME}`));
  } catch (error) {
    if (errorCode(error) === 'EEXIST') throw new DataDirectoryError(unfinishedText(root));
    throw error;
  }
}
