import type { AggregateEvent } from '../domain/aggregate.js';
import type { LetterRecord } from '../application/central-aggregate.js';

/** A source of one node's events. */
export interface EventSource {
  readonly name: string;
  /** Undefined: the log of this node. */
  readonly url: string | undefined;
  /** The last sequence that it has now, if known without a read. */
  readonly headNow?: () => number;
  /**
   * Up to `limit` events after `after`, in order. Rejects if the source cannot be reached, or its
   * answer is not a page.
   */
  read(after: number, limit: number, signal: AbortSignal): Promise<SourcePage>;
}

export interface SourcePage {
  /** Names the source's data: other data has another id. */
  readonly nodeId: string;
  readonly items: readonly SourceItem[];
  /** The last sequence that the source had when it made the page. */
  readonly head: number;
}

/** What the source sent for one sequence. */
export type SourceItem =
  { readonly sequence: number; readonly event: AggregateEvent } | UnreadableItem;

export interface UnreadableItem {
  /** Undefined: not readable either; the item takes the next expected sequence. */
  readonly sequence: number | undefined;
  readonly event?: undefined;
  readonly detail: string;
  readonly type: string | undefined;
  /** The records it seems to concern. */
  readonly records: readonly LetterRecord[];
  /** As received, truncated. */
  readonly received: string;
}
