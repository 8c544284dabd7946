import type { SealedSegment } from '../log/manifest.js';

/** Work on what is sealed, kept away from the thread that serves requests. */
export interface Maintenance {
  /** Compares whole segments with their hashes; resolves with what is wrong, if anything. */
  check(segments: readonly SealedSegment[]): Promise<string | undefined>;
  /** Ends what is under way. */
  close(): Promise<void>;
}

/** What goes to the worker thread. */
export interface MaintenanceTask {
  readonly root: string;
  readonly segments: readonly SealedSegment[];
}

/** What comes back. */
export type MaintenanceReply =
  | { readonly kind: 'checked'; readonly damage: string | undefined }
  | { readonly kind: 'failed'; readonly message: string };
