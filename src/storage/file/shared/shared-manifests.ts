import { assert } from '../../../assert.js';
import type { DataPaths } from '../disk/data-directory.js';
import { DataDirectoryError } from '../disk/errors.js';
import { type FileSystem, errorCode } from '../disk/file-system.js';
import type { ManifestStore } from '../log/manifest-store.js';
import { type Manifest, loadManifest, saveManifest } from '../log/manifest.js';

/** The manifest as this process last read it. `update` only under append.lock. */
export interface SharedManifests extends ManifestStore {
  /** Reads the changes of other processes. */
  reload(): Promise<void>;
}

export function createSharedManifests(
  deps: {
    readonly fileSystem: FileSystem;
    readonly paths: DataPaths;
    readonly assertOurs: () => void;
  },
  initial: Manifest,
): SharedManifests {
  const { fileSystem, paths, assertOurs } = deps;
  let current = initial;

  async function load(): Promise<Manifest | undefined> {
    try {
      return await loadManifest(fileSystem, paths.root);
    } catch (error) {
      // A system error, such as no descriptor left, is transient; damage is not.
      if (error instanceof DataDirectoryError && errorCode(error.cause) !== undefined) {
        throw error.cause;
      }
      throw error;
    }
  }

  async function reload(): Promise<void> {
    const loaded = await load();
    assert(loaded !== undefined, 'the manifest is gone');
    // Of concurrent loads, the one that read first may finish last.
    if (loaded.generation <= current.generation) return;
    // A segment remains the same object: its offsets are kept by that object (log-reader.ts).
    const known = new Map(current.sealed.map((segment) => [segment.file, segment]));
    const sealed = loaded.sealed.map((segment) => known.get(segment.file) ?? segment);
    current = { ...loaded, sealed };
  }

  return {
    get current() {
      return current;
    },
    reload,
    async update(change) {
      await reload();
      const generation = current.generation + 1;
      const next = { ...current, ...change(current), generation };
      assertOurs();
      await saveManifest(fileSystem, paths.root, next);
      current = next;
    },
  };
}
