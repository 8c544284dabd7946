import type { Socket } from 'node:net';

/** How long the rest of a refused request is read and thrown away before the connection is cut. */
const LINGER_MS = 1_000;

const closing = new WeakSet<Socket>();

/** True once an answer on this connection is the last one: no later request on it may be executed. */
export function isClosing(socket: Socket): boolean {
  return closing.has(socket);
}

/**
 * Prepares for an answer that is the connection's last (it has to say `Connection: close`, or the
 * connection stays, and stays silent), and closes as RFC 9112 §9.6 asks: our side first, theirs a
 * little later. Cutting both at once while the client still sends makes the kernel reset the
 * connection, and the reset can overtake the answer.
 */
export function lingerOnClose(socket: Socket): void {
  closing.add(socket);
  // Node calls this when the last answer has been handed over, and would destroy at once.
  socket.destroySoon = () => {
    if (socket.destroyed) return;
    socket.end();
    const cut = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(cut));
  };
}
