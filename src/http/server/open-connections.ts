import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../system.js';
import type { HttpConnection } from './http-connection.js';

/** All connections of a server, also those that Node has let go of (CONNECT). */
export interface OpenConnections {
  /**
   * Closes connections that are owed no answer: opened in advance, with an incomplete head, or with
   * the rest of a body whose answer was sent early. Node counts them as in use, and would wait for
   * their requests.
   */
  closeIdle(): void;
  destroyAll(): void;
  /** How long no connection has been opened, in ms. */
  quietMs(): number;
}

export function watchConnections(server: Server, clock: Clock): OpenConnections {
  const open = new Set<Socket>();
  let openedAtMs = -Infinity;
  server.on('connection', (socket: Socket) => {
    openedAtMs = clock.monotonicMs();
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return {
    closeIdle() {
      for (const socket of open) if (!isOwed(socket)) socket.destroy();
    },
    quietMs: () => clock.monotonicMs() - openedAtMs,
    destroyAll() {
      for (const socket of open) socket.destroy();
    },
  };
}

function isOwed(connection: HttpConnection): boolean {
  return Boolean(connection._httpMessage) || connection.writableLength > 0;
}
