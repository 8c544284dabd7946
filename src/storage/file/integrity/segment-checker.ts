import type { SealedSegment } from '../log/manifest.js';

/** Checks sealed segments, off the thread that serves requests. */
export interface SegmentChecker {
  /** Compares whole segments with their hashes; resolves with the first mismatch, if any. */
  check(segments: readonly SealedSegment[]): Promise<string | undefined>;
  /** Ends the checks that are running. */
  close(): Promise<void>;
}

/** The message to the checking thread. */
export interface CheckTask {
  readonly root: string;
  readonly segments: readonly SealedSegment[];
}

/** Its reply. */
export type CheckReply =
  | { readonly kind: 'checked'; readonly damage: string | undefined }
  | { readonly kind: 'failed'; readonly message: string };
