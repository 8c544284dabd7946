import type { InventoryEvent } from '../../domain/events.js';
import { eventJson } from '../json/wire-json.js';

/** The media type of server-sent events (WHATWG HTML §9.2). */
export const EVENT_STREAM = 'text/event-stream';

/** A comment: it keeps proxies from taking a quiet stream for a dead one. */
export const HEARTBEAT = ':\n\n';

/** Some frames in a row, as they go out. */
export interface Chunk {
  readonly bytes: Buffer;
  /** The sequence of the last event in it. */
  readonly last: number;
}

/** Without an event name, so that a browser's `onmessage` gets it; JSON has no line break. */
export function frameOf(event: InventoryEvent): string {
  return `id: ${event.sequence}\ndata: ${eventJson(event)}\n\n`;
}

/** When the client should come back after a stream broke off. */
export function retryFrame(delayMs: number): string {
  return `retry: ${Math.round(delayMs)}\n\n`;
}
