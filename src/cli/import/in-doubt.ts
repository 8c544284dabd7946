import { recordsOf, type Step } from './step.js';
import type { Moved, Named, Reserved } from './requests.js';
import type { InventoryClient } from '../../client/inventory-client.js';
import type { StockEvent } from '../../client/wire-types.js';

/** Small, since an event comes with all its lines, and the wanted one is usually the newest. */
const EVENTS_FIRST_PAGE = 2;

/**
 * Finds out whether an unanswered request was executed: its event would be in the history of every
 * record that it moves. Keys expire and closed reservations are forgotten; events stay. A refusal
 * leaves no such event: nothing has happened, and the service may decide again.
 */
export interface InDoubt {
  findAdjusted(change: Named<Step>, after: number): Promise<Moved | undefined>;
  findReserved(change: Named<Step>, after: number): Promise<Reserved | undefined>;
  findCommitted(step: Step, reserved: Reserved): Promise<Moved | undefined>;
}

export function createInDoubt(client: Pick<InventoryClient, 'history'>): InDoubt {
  /** Searches from the newest down to `after`: events of later requests have higher sequences. */
  async function find(
    step: Step,
    after: number,
    isIt: (event: StockEvent) => boolean,
  ): Promise<StockEvent | undefined> {
    const [record] = recordsOf(step);
    if (record === undefined) return undefined;
    for await (const event of client.history(record, { pageSize: EVENTS_FIRST_PAGE })) {
      if (event.sequence <= after) return undefined;
      if (isIt(event)) return event;
    }
    return undefined;
  }

  return {
    async findAdjusted({ step, reference }, after) {
      const event = await find(step, after, ({ reference: its }) => its === reference);
      return event && { sequence: event.sequence };
    },
    async findReserved({ step, reference }, after) {
      const event = await find(
        step,
        after,
        ({ type, reference: its }) => type === 'StockReserved' && its === reference,
      );
      if (!event?.reservationId) return undefined;
      return { sequence: event.sequence, reservationId: event.reservationId };
    },
    async findCommitted(step, { reservationId, sequence }) {
      const event = await find(
        step,
        sequence,
        ({ type, reservationId: its }) => type === 'StockCommitted' && its === reservationId,
      );
      return event && { sequence: event.sequence };
    },
  };
}
