/** Messages between the primary and its workers, as JSON over their IPC channel. */
import type { MergedCounts, Reading } from '../observability/merge-resilience.js';

/** What a start found, for the welcome text. */
export interface Started {
  readonly version: string;
  readonly url: string;
  readonly recovery: {
    readonly records: number;
    readonly events: number;
    readonly durationMs: number;
  };
}

export type ToPrimary =
  /** The worker listens. */
  | { readonly kind: 'ready'; readonly started: Started }
  /** What this worker alone has counted: the answer to `read`, or its last message. */
  | { readonly kind: 'reading'; readonly reading: Reading }
  /** Asks for the merged counts of all workers; `reset`: and to restart them from zero. */
  | { readonly kind: 'ask'; readonly id: number; readonly reset: boolean };

export type ToWorker =
  | { readonly kind: 'read' }
  | { readonly kind: 'counted'; readonly id: number; readonly counted: MergedCounts };
