import type { DurableLog } from '../../application/ports.js';
import { type Chunk, frameOf } from './frames.js';

/** Events of one page: reading and rendering so many takes about a millisecond. */
const PAGE_EVENTS = 128;
/** How much of what was read last is kept, in bytes: those who were cut off together return so. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024;

/** Frames of old events, from disk. */
export interface FramePages {
  /** Some of what comes behind `position`; undefined: nothing has yet. */
  after(position: number): Promise<Chunk | undefined>;
}

/**
 * One read at a time, however many ask: between two of them everybody else has a turn. Pages end
 * at the same places for all, so that those who read the same part of the log soon share reads.
 */
export function createFramePages(log: DurableLog): FramePages {
  /** By the position that they begin behind. What happened stays so: they never become wrong. */
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
