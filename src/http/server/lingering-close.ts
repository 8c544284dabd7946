import type { Socket } from 'node:net';
import type { Request } from 'express';

/** How long the rest of a refused request is read and thrown away before the connection is cut. */
const LINGER_MS = 1_000;

declare module 'express-serve-static-core' {
  interface Request {
    /** Later ones have higher numbers. */
    arrivedAs?: number;
  }
}

/** The number of the request whose answer is the last one. */
const closing = new WeakMap<Socket, number>();

/** True once an answer on this connection is the last one: no request that comes now may be executed. */
export function isClosing(socket: Socket): boolean {
  return closing.has(socket);
}

/**
 * Whether the connection closes for one that came before this request, or for this one's being broken.
 * Those that came before the last one, and have waited, are to be answered still.
 */
export function isBehindTheLast({ socket, complete, arrivedAs = 0 }: Request): boolean {
  const last = closing.get(socket);
  return last !== undefined && (last < arrivedAs || !complete);
}

/**
 * Prepares for an answer that is the connection's last (it has to say `Connection: close`, or the
 * connection stays, and stays silent), and closes as RFC 9112 §9.6 asks: our side first, theirs a
 * little later. Cutting both at once while the client still sends makes the kernel reset the
 * connection, and the reset can overtake the answer. `last` is what that answer answers; absent: it
 * comes behind all there are.
 */
export function lingerOnClose(socket: Socket, last?: Request): void {
  closing.set(socket, Math.min(last?.arrivedAs ?? Infinity, closing.get(socket) ?? Infinity));
  // Node calls this when the last answer has been handed over, and would destroy at once.
  socket.destroySoon = () => {
    if (socket.destroyed) return;
    socket.end();
    const cut = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(cut));
  };
}
