/** What the primary and its workers say to each other, as JSON over the channel between them. */
import type { MergedCounts, Reading } from '../observability/merge-resilience.js';

/** What a start has found, for the welcome. */
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
  /** It listens. */
  | { readonly kind: 'ready'; readonly started: Started }
  /** What this worker alone has counted: the answer to `read`, or its last word. */
  | { readonly kind: 'reading'; readonly reading: Reading }
  /** Wants to know what all have counted together; `reset`: and that they count from zero. */
  | { readonly kind: 'ask'; readonly id: number; readonly reset: boolean };

export type ToWorker =
  | { readonly kind: 'read' }
  | { readonly kind: 'counted'; readonly id: number; readonly counted: MergedCounts };
