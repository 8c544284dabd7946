import type { InventoryEvent } from '../../domain/events.js';
import { timeText } from '../../time-text.js';
import { eventJson } from '../json/wire-json.js';

/** CloudEvents 1.0, JSON batch format §4; the binding to HTTP §3.3. */
export const CLOUD_EVENTS_BATCH = 'application/cloudevents-batch+json';

/** `source` (the data it is from) and `id` (its sequence) identify an event for ever. */
export function cloudEventsJson(events: readonly InventoryEvent[], nodeId: string): string {
  return `[${events.map((event) => cloudEventJson(event, nodeId)).join(',')}]`;
}

function cloudEventJson(event: InventoryEvent, nodeId: string): string {
  const { sequence, type, at } = event;
  return (
    `{"specversion":"1.0","id":"${sequence}","source":"/nodes/${nodeId}",` +
    `"type":"inventory.${type}","time":"${timeText(at)}",` +
    `"datacontenttype":"application/json","data":${eventJson(event)}}`
  );
}
