import { createDurableReads } from '../../durable-reads.js';
import type { PublishedState } from '../../published-state.js';

export interface SharedReads {
  readonly durable: ReturnType<typeof createDurableReads>;
  isBehind(): boolean;
  /** Resolves when everything durable at the call, by any process, is published here. */
  fresh(): Promise<void>;
}

/**
 * Reads that show everything that any process has acknowledged: each looks at the watermark first.
 * If no other process has written meanwhile, that takes 1 µs, without waiting.
 */
export function createSharedReads(deps: {
  readonly published: PublishedState;
  readonly isBehind: () => boolean;
  readonly catchUp: () => Promise<void>;
}): SharedReads {
  const { isBehind, catchUp } = deps;
  const plain = createDurableReads(deps.published);

  function fresh<A extends readonly unknown[], T>(read: (...asked: A) => T | Promise<T>) {
    return (...asked: A): T | Promise<T> =>
      isBehind() ? catchUp().then(() => read(...asked)) : read(...asked);
  }

  return {
    durable: {
      record: fresh(plain.record),
      recordsOf: fresh(plain.recordsOf),
      reservation: fresh(plain.reservation),
      reservationsOf: fresh(plain.reservationsOf),
      holdsOf: fresh(plain.holdsOf),
      dueHolds: fresh(plain.dueHolds),
      nextExpiry: fresh(plain.nextExpiry),
      onDurable: plain.onDurable,
    },
    isBehind,
    async fresh() {
      if (isBehind()) await catchUp();
    },
  };
}
