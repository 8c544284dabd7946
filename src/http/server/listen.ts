import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * How many connections may wait in the kernel, if it lets us (Linux: `net.core.somaxconn`). A client
 * that finds no place tries again after 1 s, then 3, and so does a probe: of Node's default, 511, a
 * crowd leaves none.
 */
const BACKLOG = 4_096;

/** Gives the URL under which the server can be reached. */
export async function listen(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<string> {
  server.listen({ host, port, backlog: BACKLOG });
  await once(server, 'listening');
  const { address, family, port: bound } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
}
