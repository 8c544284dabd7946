import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** By connection: the responses queued behind one that is not finished yet, in order. */
const inLine = new WeakMap<Socket, Set<ServerResponse>>();

/**
 * When a connection closes, Node emits 'close' only on the response in progress. The responses
 * queued behind it would never close, and would be counted as in flight for ever.
 */
export function closeWithConnection(response: ServerResponse, connection: Socket): void {
  const line = inLine.get(connection) ?? lineOf(connection);
  line.add(response);
  response.once('socket', () => line.delete(response));
}

function lineOf(connection: Socket): Set<ServerResponse> {
  const line = new Set<ServerResponse>();
  inLine.set(connection, line);
  connection.once('close', () => {
    for (const response of line) {
      response.destroy();
      response.emit('close');
    }
  });
  return line;
}

/** Whether no later request of this connection is still to be answered. */
export function isLastPipelined(response: ServerResponse, connection: Socket): boolean {
  const line = inLine.get(connection);
  return line === undefined || line.size === 0 || [...line].at(-1) === response;
}
