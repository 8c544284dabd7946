import { type InventoryEvent, partsOf } from '../../../domain/events.js';

/** Some 1 KB each. */
const EVENTS_MAX = 4_096;
/** A larger event, such as a batch, is not cached. */
const PARTS_MAX = 32;

/**
 * The events that were read last (LRU): an answer that is requested again is soon requested once
 * more, by the other requests that were not answered in time.
 */
export class EventCache {
  private readonly bySequence = new Map<number, InventoryEvent>();

  get(sequence: number): InventoryEvent | undefined {
    const event = this.bySequence.get(sequence);
    if (event !== undefined) this.putLast(event);
    return event;
  }

  add(event: InventoryEvent): void {
    if (partsOf(event) > PARTS_MAX) return;
    this.putLast(event);
    if (this.bySequence.size <= EVENTS_MAX) return;
    for (const oldest of this.bySequence.keys()) {
      this.bySequence.delete(oldest);
      return;
    }
  }

  private putLast(event: InventoryEvent): void {
    this.bySequence.delete(event.sequence);
    this.bySequence.set(event.sequence, event);
  }
}
