import type { MovementLog } from '../application/ports.js';
import type { EventSource } from './event-source.js';

/** The name of the node's own log as a source. */
export const OWN_LOG = 'local';

/** The node's own log as a source: all its durable events. */
export function createLogSource(log: MovementLog): EventSource {
  return {
    name: OWN_LOG,
    url: undefined,
    headNow: () => log.durableSequence(),
    async read(after, limit) {
      const events = await log.movementsAfter(after, limit);
      const items = events.map((event) => ({ sequence: event.sequence, event }));
      // Read afterwards: in a shared directory it is the read that finds what others have written.
      return { nodeId: log.nodeId, items, head: log.durableSequence() };
    },
  };
}
