import type { Server } from 'node:http';
import type { Socket } from 'node:net';
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
}

export function watchConnections(server: Server): OpenConnections {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return {
    closeIdle() {
      for (const socket of open) if (!isOwed(socket)) socket.destroy();
    },
    destroyAll() {
      for (const socket of open) socket.destroy();
    },
  };
}

function isOwed(connection: HttpConnection): boolean {
  return Boolean(connection._httpMessage) || connection.writableLength > 0;
}
