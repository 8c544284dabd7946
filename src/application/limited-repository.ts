import type { Bulkhead } from '../resilience/bulkhead.js';
import type { InventoryRepository } from './ports.js';

export interface RepositoryBulkheads {
  /**
   * For decisions: the slot is released once the events have their place in the log. Undefined: the
   * repository limits them itself.
   */
  readonly decisions: Bulkhead | undefined;
  /** For reads of events from the log. */
  readonly logReads: Bulkhead;
}

/**
 * The same repository with limited concurrency. No slot is held while a write waits for its sync,
 * and log reads leave threads to log writes.
 */
export function limitRepository<T extends InventoryRepository>(
  repository: T,
  { decisions, logReads }: RepositoryBulkheads,
): T {
  return {
    ...repository,
    ...(decisions !== undefined && {
      transact: (work, scope) => decisions.run(() => repository.transact(work, scope)),
    }),
    // Async, so that a throw becomes a rejection.
    event: async (sequence) => await logReads.run(() => repository.event(sequence)),
    eventsAfter: async (sequence, limit) =>
      await logReads.run(() => repository.eventsAfter(sequence, limit)),
    movementsAfter: async (sequence, limit) =>
      await logReads.run(() => repository.movementsAfter(sequence, limit)),
  };
}
