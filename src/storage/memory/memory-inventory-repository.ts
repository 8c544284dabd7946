import { assert } from '../../assert.js';
import type { InventoryRepository } from '../../application/ports.js';
import type { RecordClock } from '../../application/record-clock.js';
import { UnavailableError } from '../../domain/errors.js';
import type { InventoryEvent } from '../../domain/events.js';
import { createDurableReads } from '../durable-reads.js';
import { LayeredState } from '../layered-state.js';
import { PublishedState } from '../published-state.js';
import { runTransaction } from '../transaction.js';

/**
 * Stock in the memory of this process: "durable" lasts as long as the process. For experiments, and
 * for tests of the layers above storage; the same contract as every driver.
 */
export function createMemoryInventoryRepository(
  recordClock: RecordClock,
  nodeId = 'memory',
): InventoryRepository {
  const published = new PublishedState();
  const state = new LayeredState(published);
  const events: InventoryEvent[] = [];
  let closed = false;

  async function eventsAfter(sequence: number, limit: number): Promise<InventoryEvent[]> {
    return events.slice(sequence, sequence + limit);
  }

  return {
    ...createDurableReads(published),
    nodeId,
    now: () => recordClock.now(),
    durableSequence: () => published.lastSequence,
    transact(work) {
      if (closed) throw new UnavailableError('shutting-down', 1_000);
      const at = Math.max(recordClock.now(), state.lastAt);
      const { result, appended } = runTransaction(state, at, work);
      events.push(...appended);
      state.publish(state.lastSequence);
      return { result, durable: undefined };
    },
    event(sequence) {
      const event = events[sequence - 1];
      assert(event !== undefined, `no event ${sequence}`);
      return Promise.resolve(event);
    },
    eventsAfter,
    movementsAfter: eventsAfter,
    close() {
      closed = true;
      return Promise.resolve();
    },
  };
}
