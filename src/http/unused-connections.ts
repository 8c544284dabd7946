import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Connections that clients and load balancers have opened in advance: nothing has come on them. */
export interface UnusedConnections {
  /** Closes those there are now: to Node they are in use, and it would wait for their request. */
  close(): void;
}

export function watchUnusedConnections(server: Server): UnusedConnections {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return {
    close() {
      for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
    },
  };
}
