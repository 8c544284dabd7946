/** Longer than any address; what a proxy forwards may be anything. */
const ADDRESS_LENGTH_MAX = 64;

/** What is looked at of a request. */
interface Asking {
  readonly socket: { readonly remoteAddress?: string | undefined };
  readonly ip?: string | undefined;
}

/**
 * Whom a request is counted for: the address of the connection, or, behind proxies that are trusted
 * (Express's `trust proxy`), the one that they name in `X-Forwarded-For`.
 */
export function clientOf(request: Asking, behindProxy: boolean): string {
  const address = behindProxy ? withoutPort(request.ip ?? '') : request.socket.remoteAddress;
  if (address === undefined) return '';
  return address.includes(':') ? networkOf(address) : address.slice(0, ADDRESS_LENGTH_MAX);
}

/** Some proxies name the port, too; which is another one with every connection. */
function withoutPort(address: string): string {
  const [, v4, v6] = /^(?:([0-9.]+):[0-9]+|\[([0-9a-f:.]+)\](?::[0-9]+)?)$/i.exec(address) ?? [];
  return v4 ?? v6 ?? address;
}

const MAPPED = /^::ffff:(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/i;

/**
 * An IPv4 address in its IPv6 form is the IPv4 address. Of any other IPv6 address the first half
 * counts: the second is the subscriber's own, who could change it with every request (RFC 4291).
 */
function networkOf(address: string): string {
  const [, dotted, high, low] = MAPPED.exec(address) ?? [];
  if (dotted !== undefined) return dotted;
  if (high !== undefined && low !== undefined) {
    const halves = [high, low].map((group) => parseInt(group, 16));
    return halves.flatMap((half) => [half >> 8, half & 255]).join('.');
  }
  const [head = '', tail] = address.slice(0, ADDRESS_LENGTH_MAX).split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  while (groups.length + after.length < 8) groups.push('0');
  return [...groups, ...after].slice(0, 4).join(':');
}
