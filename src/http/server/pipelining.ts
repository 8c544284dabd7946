import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Answers that came behind one that is not out yet, by their connection. */
const inLine = new WeakMap<Socket, Set<ServerResponse>>();

/**
 * Node tells only the answer whose turn it is that the connection was closed. Those in line behind it
 * would never close, and whoever counts them would count them for ever.
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

/** Whether no request came behind this one on its connection that is to be answered, too. */
export function isLastPipelined(response: ServerResponse, connection: Socket): boolean {
  const line = inLine.get(connection);
  return line === undefined || line.size === 0 || [...line].at(-1) === response;
}
