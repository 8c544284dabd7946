import type { Socket } from 'node:net';
import type { Request } from 'express';

/** How long the rest of a refused request is read and discarded before the connection is cut. */
const LINGER_MS = 1_000;

declare module 'express-serve-static-core' {
  interface Request {
    /** Later requests have higher numbers. */
    arrivedAs?: number;
  }
}

/** The number of the request whose answer is the last one; Infinity: it comes after all others. */
const closing = new WeakMap<Socket, number>();

/** True once the connection's last answer is decided: no request that comes now may be executed. */
export function isClosing(socket: Socket): boolean {
  return closing.has(socket);
}

/**
 * Whether the connection closes after an earlier request, or because this one is incomplete.
 * Requests that came before the last one, and have waited, are still to be answered.
 */
export function isBehindTheLast({ socket, complete, arrivedAs = 0 }: Request): boolean {
  const last = closing.get(socket);
  return last !== undefined && (last < arrivedAs || !complete);
}

/**
 * Prepares for the last answer of a connection. That answer must have `Connection: close`, or the
 * connection stays open and gets no further answer. The close follows RFC 9112 §9.6: our side
 * first, the client's LINGER_MS later. Closing both at once while the client still sends makes the
 * kernel reset the connection, and the reset can overtake the answer. `last` is the request that is
 * answered; absent: the answer comes after those to all requests that have arrived.
 */
export function lingerOnClose(socket: Socket, last?: Request): void {
  closing.set(socket, Math.min(last?.arrivedAs ?? Infinity, closing.get(socket) ?? Infinity));
  // Node calls this when the last answer has been sent, and would destroy the socket at once.
  socket.destroySoon = () => {
    if (socket.destroyed) return;
    socket.end();
    const cut = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(cut));
  };
}
