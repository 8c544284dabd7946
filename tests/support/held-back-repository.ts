import type { InventoryRepository } from '../../src/application/ports.js';
import type { RecordClock } from '../../src/application/record-clock.js';
import { UnavailableError } from '../../src/domain/errors.js';
import type { InventoryEvent } from '../../src/domain/events.js';
import { createDurableReads } from '../../src/storage/durable-reads.js';
import { LayeredState } from '../../src/storage/layered-state.js';
import { PublishedState } from '../../src/storage/published-state.js';
import { runTransaction } from '../../src/storage/transaction.js';

/** A driver whose disk answers when the test says so, well or badly. */
export interface HeldBackRepository extends InventoryRepository {
  /** What is pending becomes durable. */
  sync(): void;
  /** What is pending is lost, as when a disk is full. */
  lose(): void;
}

interface Pending {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export function createHeldBackRepository(recordClock: RecordClock): HeldBackRepository {
  const published = new PublishedState();
  const state = new LayeredState(published);
  const events: InventoryEvent[] = [];
  let pending: Pending | undefined;

  async function eventsAfter(sequence: number, limit: number): Promise<InventoryEvent[]> {
    return events.slice(0, published.lastSequence).slice(sequence, sequence + limit);
  }

  return {
    ...createDurableReads(published),
    nodeId: 'held-back',
    now: () => recordClock.now(),
    durableSequence: () => published.lastSequence,
    transact(work) {
      const at = Math.max(recordClock.now(), state.lastAt);
      const { result, appended } = runTransaction(state, at, work);
      events.push(...appended);
      if (appended.length > 0) pending ??= createPending();
      return { result, durable: pending?.promise };
    },
    sync() {
      state.publish(state.lastSequence);
      pending?.resolve();
      pending = undefined;
    },
    lose() {
      state.dropPending();
      events.length = published.lastSequence;
      pending?.reject(new UnavailableError('storage-unavailable', 1_000));
      pending = undefined;
    },
    event(sequence) {
      if (sequence > published.lastSequence) throw new Error(`${sequence} is not durable`);
      return Promise.resolve(events[sequence - 1]!);
    },
    eventsAfter,
    movementsAfter: eventsAfter,
    close: () => Promise.resolve(),
  };
}

function createPending(): Pending {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<void>((onResolved, onRejected) => {
    resolve = onResolved;
    reject = onRejected;
  });
  promise.catch(() => undefined); // whoever waits for it hears of it
  return { promise, resolve, reject };
}
