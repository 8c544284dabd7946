import type { InventoryEvent } from '../../domain/events.js';
import { eventJson } from '../json/wire-json.js';

/** The media type of server-sent events (WHATWG HTML §9.2). */
export const EVENT_STREAM = 'text/event-stream';

/** An SSE comment: it keeps proxies from taking a quiet stream for a dead one. */
export const HEARTBEAT = ':\n\n';

/** Consecutive frames, as they are sent. */
export interface Chunk {
  readonly bytes: Buffer;
  /** The sequence of the last event in it. */
  readonly last: number;
}

/** Without an event name, so that a browser's `onmessage` gets it; JSON has no line break. */
export function frameOf(event: InventoryEvent): string {
  return `id: ${event.sequence}\ndata: ${eventJson(event)}\n\n`;
}

/** Tells the client how long to wait, in ms, before it reconnects. */
export function retryFrame(delayMs: number): string {
  return `retry: ${Math.round(delayMs)}\n\n`;
}
