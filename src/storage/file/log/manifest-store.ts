import { Mutex } from 'async-mutex';
import type { DataPaths } from '../disk/data-directory.js';
import type { FileSystem } from '../disk/file-system.js';
import { type Manifest, saveManifest } from './manifest.js';

/** The current manifest. Changes are serialized, each durable before the next. */
export interface ManifestStore {
  readonly current: Manifest;
  update(change: (current: Manifest) => Partial<Manifest>): Promise<void>;
}

export interface ManifestStoreDeps {
  readonly fileSystem: FileSystem;
  readonly paths: DataPaths;
  /** Throws if another server may have taken the directory. */
  readonly assertOurs: () => void;
}

export function createManifestStore(
  { fileSystem, paths, assertOurs }: ManifestStoreDeps,
  initial: Manifest,
): ManifestStore {
  const mutex = new Mutex();
  let current = initial;
  return {
    get current() {
      return current;
    },
    update: (change) =>
      mutex.runExclusive(async () => {
        const generation = current.generation + 1;
        const next = { ...current, ...change(current), generation };
        assertOurs();
        await saveManifest(fileSystem, paths.root, next);
        current = next;
      }),
  };
}
