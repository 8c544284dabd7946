import type { SealedSegment } from '../log/manifest.js';

/** Work on sealed segments, kept off the thread that serves requests. */
export interface Maintenance {
  /** Compares whole segments with their hashes; resolves with the first mismatch, if any. */
  check(segments: readonly SealedSegment[]): Promise<string | undefined>;
  /** Ends running tasks. */
  close(): Promise<void>;
}

/** The message to the worker thread. */
export interface MaintenanceTask {
  readonly root: string;
  readonly segments: readonly SealedSegment[];
}

/** Its reply. */
export type MaintenanceReply =
  | { readonly kind: 'checked'; readonly damage: string | undefined }
  | { readonly kind: 'failed'; readonly message: string };
