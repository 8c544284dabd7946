import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * Size of the accept backlog, if the kernel allows it (Linux: `net.core.somaxconn`). A client that
 * finds it full tries again after 1 s, then 3 s, and so does a probe. A crowd of clients fills
 * Node's default of 511.
 */
const BACKLOG = 4_096;

/** Resolves with the URL under which the server can be reached. */
export async function listen(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<string> {
  server.listen({ host, port, backlog: BACKLOG });
  await once(server, 'listening');
  const { address, family, port: bound } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
}
