import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { RequestError } from './request-error.js';

/** The scope of a key: the same key in another scope is another key. */
export interface KeyScope {
  /** '' as long as clients do not identify themselves. */
  readonly caller: string;
  readonly method: string;
  readonly path: string;
}

const KEY_PATTERN = /^[\x20-\x7e]{1,255}$/;
/** A structured-field string (RFC 8941 §3.3.3), as the IETF draft has it. */
const QUOTED_PATTERN = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;

/** The key of the request, if any; the quoted and the bare form are the same key. */
export function parseIdempotencyKey(request: IncomingMessage): string | undefined {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return undefined;
  // Node joins several headers into one value.
  if (typeof header !== 'string' || countHeaders(request, 'idempotency-key') > 1) {
    throw invalid('The request has more than one Idempotency-Key.');
  }
  const key = header.startsWith('"') ? unquoted(header) : header;
  if (key === undefined || !KEY_PATTERN.test(key)) {
    throw invalid('Idempotency-Key must be 1 to 255 printable ASCII characters.');
  }
  return key;
}

/** 128 bits of SHA-256 in 22 characters: identifies a key in its scope. */
export function keyDigest({ caller, method, path }: KeyScope, key: string): string {
  // None of the parts can contain a line feed.
  return digest(`${caller}\n${method}\n${path}\n${key}`);
}

/** Digest of the request's parsed parts, whose members have the order of their schema. */
export function fingerprintOf(asked: unknown): string {
  return digest(JSON.stringify(asked));
}

/** All 256 bits of the newest digest: a new buffer for each costs half as much as the hash. */
const bits = Buffer.alloc(32);

/** Base64url of the first 128 bits; one flat string, since it is kept as long as the key is. */
function digest(text: string): string {
  bits.write(hash('sha256', text, 'binary'), 'latin1');
  return bits.toString('base64url', 0, 16);
}

function unquoted(header: string): string | undefined {
  return QUOTED_PATTERN.exec(header)?.[1]?.replaceAll(/\\(["\\])/g, '$1');
}

function countHeaders({ rawHeaders }: IncomingMessage, name: string): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const given = rawHeaders[index];
    if (given?.length === name.length && given.toLowerCase() === name) count += 1;
  }
  return count;
}

function invalid(detail: string): RequestError {
  return new RequestError('validation-failed', detail);
}
