import { BlockList, isIP } from 'node:net';
import { z } from 'zod';

export interface SyncSource {
  readonly name: string;
  /** The base of its paths; ends in a slash. */
  readonly url: string;
}

/** Never "all": every client could then choose the address that its rate limit applies to. */
export const trustedProxies = z
  .string()
  .refine(
    (text) => /^[1-9]\d?$/.test(text) || text.split(',').every((each) => isNetwork(each.trim())),
    'must be a number of hops, or addresses, networks, loopback, linklocal, uniquelocal',
  )
  .transform((text) => (/^\d+$/.test(text) ? Number(text) : text));

function isNetwork(text: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true;
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  if (bits === undefined) return true;
  const isSize = /^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
  return isSize && !(version === 6 && hasAllOfIPv4(address, Number(bits)));
}

/** IPv4 addresses are looked up in IPv6 networks, too, as ::ffff:a.b.c.d. */
function hasAllOfIPv4(address: string, bits: number): boolean {
  const network = new BlockList();
  network.addSubnet(address, bits, 'ipv6');
  return ['0.0.0.1', '255.255.255.254'].every((end) => network.check(`::ffff:${end}`, 'ipv6'));
}

const SOURCE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/;

/** `name=url,name=url` */
export function readSources(text: string, context: z.RefinementCtx): readonly SyncSource[] {
  const sources = new Map<string, SyncSource>();
  for (const entry of text.split(',')) {
    const equals = entry.indexOf('=');
    const name = entry.slice(0, Math.max(0, equals)).trim();
    const url = sourceUrl(entry.slice(equals + 1).trim());
    if (!SOURCE_NAME.test(name) || url === undefined) {
      context.addIssue(
        `must be name=url,…, with http or https urls: ${JSON.stringify(entry)} is not`,
      );
      return z.NEVER;
    }
    if (sources.has(name)) {
      context.addIssue(`names ${name} twice`);
      return z.NEVER;
    }
    const same = [...sources.values()].find((each) => each.url === url);
    if (same !== undefined) {
      context.addIssue(`has the same url for ${same.name} and ${name}`);
      return z.NEVER;
    }
    sources.set(name, { name, url });
  }
  return [...sources.values()];
}

function sourceUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol)) return undefined;
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    return undefined;
  }
  return url.href.endsWith('/') ? url.href : `${url.href}/`;
}
