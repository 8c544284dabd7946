import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { HttpConnection } from './http-connection.js';

/**
 * Connections on which no answer is owed: clients and load balancers have opened them in advance,
 * or have sent half a head, or not the body of a request that was answered before it arrived.
 */
export interface IdleConnections {
  /** Closes the present ones: Node takes them for used, and would wait for their request. */
  close(): void;
}

export function watchIdleConnections(server: Server): IdleConnections {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return {
    close() {
      for (const socket of open) if (!isOwed(socket)) socket.destroy();
    },
  };
}

function isOwed(connection: HttpConnection): boolean {
  return Boolean(connection._httpMessage) || connection.writableLength > 0;
}
