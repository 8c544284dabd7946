import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { onTestFinished } from 'vitest';

/** A stretch of wire between two processes of a test, with an address that stays. */
export interface LoopbackLink {
  readonly url: string;
  /** To whom it leads from now on; what is connected stays connected to the one before. */
  lead(url: string): void;
  /** Nothing gets through, and who tries is refused, until it is mended. */
  cut(): void;
  mend(): void;
}

export async function startLoopbackLink(to: string): Promise<LoopbackLink> {
  const sockets = new Set<Socket>();
  let target = new URL(to);
  let isCut = false;

  function keep(socket: Socket): Socket {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    return socket;
  }

  function cutAll(): void {
    for (const socket of sockets) socket.destroy();
  }

  const server = createServer((near) => {
    keep(near);
    if (isCut) {
      near.destroy();
      return;
    }
    const far = keep(connect(Number(target.port), target.hostname));
    near.pipe(far).pipe(near);
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    cutAll();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lead(url) {
      target = new URL(url);
    },
    cut() {
      isCut = true;
      cutAll();
    },
    mend() {
      isCut = false;
    },
  };
}
