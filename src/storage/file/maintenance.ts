import type { Manifest, SealedSegment, SnapshotEntry } from './manifest.js';

/** Work on what is sealed, kept away from the thread that serves requests. */
export interface Maintenance {
  /**
   * Folds the next snapshot. Rejects with DataDirectoryError where a segment is not what was
   * sealed, and with StorageFatalError where a sync failed.
   */
  snapshot(manifest: Pick<Manifest, 'sealed' | 'snapshots'>): Promise<SnapshotEntry>;
  /** Compares whole segments with their hashes; resolves with what is wrong, if anything. */
  check(segments: readonly SealedSegment[]): Promise<string | undefined>;
  /** Ends what is under way; a half-made snapshot is only a file to remove. */
  close(): Promise<void>;
}

/** What goes to the worker thread. */
export type MaintenanceTask = { readonly root: string } & (
  | { readonly task: 'snapshot'; readonly manifest: Pick<Manifest, 'sealed' | 'snapshots'> }
  | { readonly task: 'check'; readonly segments: readonly SealedSegment[] }
);

/** What comes back. */
export type MaintenanceReply =
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'snapshot'; readonly entry: SnapshotEntry }
  | { readonly kind: 'checked'; readonly damage: string | undefined }
  | { readonly kind: 'damaged' | 'fatal' | 'failed'; readonly message: string };
