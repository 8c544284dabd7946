import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Timers } from '../../system.js';
import type { IdleConnections } from './idle-connections.js';

/** How often it is looked whether all is answered, in ms. */
const LOOK_EVERY_MS = 10;
/** For so long, in ms, a connection that was just opened may still bring its request. */
const FIRST_REQUEST_MS = 500;

export interface Closing {
  /** What is not over by then is cut off. */
  readonly graceMs: number;
  readonly inFlight: () => number;
  readonly unused: IdleConnections;
}

/**
 * Ends a server that drains already. As long as requests are in flight the port stays open: a probe
 * is told that nothing is to be sent here, a client to come again, where they would else find nobody.
 */
export async function closeServer(
  server: Server,
  timers: Timers,
  { graceMs, inFlight, unused }: Closing,
): Promise<void> {
  const grace = { isOver: false };
  const cancelCut = timers.after(graceMs, () => {
    grace.isOver = true;
    server.closeAllConnections();
  });
  // Who is cut off is in flight no more.
  while (inFlight() > 0) {
    await new Promise<void>((resolve) => timers.after(LOOK_EVERY_MS, resolve));
  }
  const closed = once(server, 'close');
  server.close();
  // Connections that wait for nothing; those in use say goodbye with their answer.
  server.closeIdleConnections();
  // Node looks after nobody's time any more: who came behind the cut, and has sent half a request,
  // would never end.
  if (grace.isOver) server.closeAllConnections();
  const cancelUnused = timers.after(FIRST_REQUEST_MS, () => unused.close());
  await closed;
  cancelCut();
  cancelUnused();
}
