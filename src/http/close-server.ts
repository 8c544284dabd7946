import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Timers } from '../system.js';

/** How often it is looked whether all is answered, in ms. */
const LOOK_EVERY_MS = 10;

/**
 * Ends a server that drains already. As long as requests are in flight the port stays open: a probe
 * is told that nothing is to be sent here, a client to come again, where they would else find nobody.
 * What is not over after `graceMs` is cut off.
 */
export async function closeServer(
  server: Server,
  timers: Timers,
  { graceMs, inFlight }: { readonly graceMs: number; readonly inFlight: () => number },
): Promise<void> {
  const cancel = timers.after(graceMs, () => server.closeAllConnections());
  // Who is cut off is in flight no more.
  while (inFlight() > 0) {
    await new Promise<void>((resolve) => timers.after(LOOK_EVERY_MS, resolve));
  }
  const closed = once(server, 'close');
  server.close();
  // Connections that wait for nothing; those in use say goodbye with their answer.
  server.closeIdleConnections();
  await closed;
  cancel();
}
