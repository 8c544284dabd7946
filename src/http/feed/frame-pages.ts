import type { DurableLog } from '../../application/ports.js';
import { type Chunk, frameOf } from './frames.js';

/** Events per page: reading and rendering this many takes about a millisecond. */
const PAGE_EVENTS = 128;
/** Size of the page cache, in bytes: clients that were cut off together also return together. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024;

/** Frames of old events, from disk. */
export interface FramePages {
  /** The next events after `position`, a page at most; undefined: there are none yet. */
  after(position: number): Promise<Chunk | undefined>;
}

/**
 * One read at a time, however many clients ask: between two reads other requests are served. Pages
 * end at the same sequences for all, so that clients in the same part of the log soon share reads.
 */
export function createFramePages(log: DurableLog): FramePages {
  /** By the position before the first event. Durable events never change: no page becomes stale. */
  const kept = new Map<number, Chunk>();
  let keptBytes = 0;
  let turn: Promise<unknown> = Promise.resolve();

  async function read(position: number): Promise<Chunk | undefined> {
    const known = kept.get(position);
    if (known !== undefined) return known;
    const events = await log.eventsAfter(position, PAGE_EVENTS - (position % PAGE_EVENTS));
    const last = events.at(-1)?.sequence;
    if (last === undefined) return undefined;
    const chunk = { bytes: Buffer.from(events.map(frameOf).join('')), last };
    keep(position, chunk);
    return chunk;
  }

  function keep(position: number, chunk: Chunk): void {
    kept.set(position, chunk);
    keptBytes += chunk.bytes.length;
    for (const [oldest, { bytes }] of kept) {
      if (keptBytes <= KEPT_BYTES_MAX) return;
      kept.delete(oldest);
      keptBytes -= bytes.length;
    }
  }

  return {
    after(position) {
      const page = turn.then(() => read(position));
      turn = page.catch(() => undefined);
      return page;
    },
  };
}
