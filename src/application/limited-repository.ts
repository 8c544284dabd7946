import type { Bulkhead } from '../resilience/bulkhead.js';
import type { InventoryRepository } from './ports.js';

export interface RepositoryBulkheads {
  /** Of those who decide: a slot is free again as soon as the events have their place in the log. */
  readonly decisions: Bulkhead;
  /** Of those who read events back from the log. */
  readonly logReads: Bulkhead;
}

/**
 * The same repository, with limits on how much is under way in it. Nobody holds a slot while a write
 * waits for its sync, and reads of the log leave threads to the writes of it.
 */
export function limitRepository<T extends InventoryRepository>(
  repository: T,
  { decisions, logReads }: RepositoryBulkheads,
): T {
  return {
    ...repository,
    transact: (work, scope) => decisions.run(() => repository.transact(work, scope)),
    // In an async function, where what throws rejects.
    event: async (sequence) => await logReads.run(() => repository.event(sequence)),
    eventsAfter: async (sequence, limit) =>
      await logReads.run(() => repository.eventsAfter(sequence, limit)),
    movementsAfter: async (sequence, limit) =>
      await logReads.run(() => repository.movementsAfter(sequence, limit)),
  };
}
