import type { AggregateEvent } from '../domain/aggregate.js';
import type { LetterRecord } from '../application/central-aggregate.js';

/** Where the events of one node come from. */
export interface EventSource {
  readonly name: string;
  /** Undefined: it is the log of this node. */
  readonly url: string | undefined;
  /** The last sequence that it has now, where that can be told without asking. */
  readonly headNow?: () => number;
  /**
   * Up to `limit` events behind `after`, in order. Rejects where the source cannot be reached, or
   * says nothing that is a page.
   */
  read(after: number, limit: number, signal: AbortSignal): Promise<SourcePage>;
}

export interface SourcePage {
  /** Names the source's data: other data is another node. */
  readonly nodeId: string;
  readonly items: readonly SourceItem[];
  /** The last sequence that the source has, as of the page. */
  readonly head: number;
}

/** What came for one sequence. */
export type SourceItem =
  { readonly sequence: number; readonly event: AggregateEvent } | UnreadableItem;

export interface UnreadableItem {
  /** Undefined: not even that can be read; it stands where the one after the last belongs. */
  readonly sequence: number | undefined;
  readonly event?: undefined;
  readonly detail: string;
  readonly type: string | undefined;
  /** What it seems to be about. */
  readonly records: readonly LetterRecord[];
  /** As it came, cut. */
  readonly received: string;
}
