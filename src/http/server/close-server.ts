import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Timers } from '../../system.js';
import type { OpenConnections } from './open-connections.js';

/** Interval of the check whether every request is answered, in ms. */
const LOOK_EVERY_MS = 10;
/** No new connection for this long, in ms: whoever wanted to come again has come. */
const QUIET_MS = 100;
/** How long such connections are waited for, however many come, in ms. */
const RETURN_MS_MAX = 1_000;
/** How long a connection that was just opened may still take to send its request, in ms. */
const FIRST_REQUEST_MS = 500;

export interface Closing {
  /** Connections that are still open after this time are cut off. */
  readonly graceMs: number;
  readonly inFlight: () => number;
  readonly connections: OpenConnections;
}

/**
 * Closes a server that is draining already. The port stays open as long as requests are in flight:
 * probes learn that the server is not ready, and clients are told to retry, instead of having their
 * connections refused.
 */
export async function closeServer(
  server: Server,
  timers: Timers,
  { graceMs, inFlight, connections }: Closing,
): Promise<void> {
  const grace = { isOver: false };
  const look = () => new Promise<void>((resolve) => timers.after(LOOK_EVERY_MS, resolve));
  const cancelCut = timers.after(graceMs, () => {
    grace.isOver = true;
    connections.destroyAll();
  });
  const isBusy = inFlight() > 0;
  // Requests that are cut off are no longer in flight.
  while (inFlight() > 0) await look();
  // Clients whose connection was closed come again: to be told when, not to be reset.
  for (let waitedMs = 0; waitedMs < RETURN_MS_MAX && !grace.isOver; waitedMs += LOOK_EVERY_MS) {
    if (connections.quietMs() >= QUIET_MS && (!isBusy || waitedMs >= QUIET_MS)) break;
    await look();
  }
  const closed = once(server, 'close');
  server.close();
  // Connections in use close with their last answer.
  server.closeIdleConnections();
  // `server.close` ends Node's timeout checks: a connection that was accepted after the cut and
  // has sent half a request would never end.
  if (grace.isOver) connections.destroyAll();
  const cancelIdle = timers.after(FIRST_REQUEST_MS, () => connections.closeIdle());
  await closed;
  cancelCut();
  cancelIdle();
}
