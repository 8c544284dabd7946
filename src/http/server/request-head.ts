import type { IncomingMessage } from 'node:http';
import { isRead } from '../is-read.js';
import { RequestError } from '../request-error.js';

declare module 'express-serve-static-core' {
  interface Request {
    /** What is wrong with the request target; `url` is then `/`. */
    targetFault?: RequestError | undefined;
  }
}

/**
 * Whether a proxy on the way may see the end of this request at another place than we do: it has a
 * transfer coding besides `chunked`, any coding in HTTP/1.0 (RFC 9112 §6.1), or a version that is
 * neither 1.0 nor 1.1. Later requests on its connection cannot be trusted either.
 */
export function isMisframed({ headers, httpVersion }: IncomingMessage): boolean {
  const coding = headers['transfer-encoding'];
  if (httpVersion !== '1.1') return httpVersion !== '1.0' || coding !== undefined;
  return coding !== undefined && coding.toLowerCase() !== 'chunked';
}

/** RFC 3986 §3.2: a name or an address, optionally a port; no userinfo. */
const AUTHORITY =
  /^(?:\[[0-9a-f:.]+\]|(?:[a-z0-9._~!$&'()*+,;=-]|%[0-9a-f]{2})*)(?::[0-9]{0,5})?$/i;
const ABSOLUTE = /^https?:\/\/([^/?#]+)/i;
const SLASH = 47;

/**
 * A server must accept the form that proxies are sent, `http://host/path` (RFC 9112 §3.2.2). It is
 * rewritten to the path, so that all later code sees one form. Any other form is a fault.
 */
export function settleTarget(request: IncomingMessage): RequestError | undefined {
  const { url = '' } = request;
  if (url.charCodeAt(0) === SLASH) return undefined;
  const [start, authority = ''] = ABSOLUTE.exec(url) ?? [];
  if (start === undefined || !AUTHORITY.test(authority)) {
    // Its text is not kept: it may contain a password.
    request.url = '/';
    return new RequestError('validation-failed', 'The request target is not a path.');
  }
  const target = url.slice(start.length);
  request.url = target.startsWith('/') ? target : `/${target}`;
  return undefined;
}

/** RFC 9110 §4.1 asks for at least 8000; no path or query of this service comes near that. */
const URI_LENGTH_MAX = 8_000;

/**
 * A URL that exceeds the limit of the whole head is answered 431 before it comes here. A `#` that
 * was not encoded would be taken for the end of the path, which would then name another record.
 */
function urlFault(url: string): RequestError | undefined {
  if (url.length > URI_LENGTH_MAX) {
    return new RequestError('uri-too-long', `The limit is ${URI_LENGTH_MAX} characters.`);
  }
  if (!url.includes('#')) return undefined;
  return new RequestError(
    'validation-failed',
    'The request target has a fragment: write # as %23.',
  );
}

/**
 * A request must have exactly one valid Host header; it may be missing only in HTTP/1.0 (RFC 9112
 * §3.2). Node would answer a missing one by itself, unseen by this code, and keeps the first of
 * several Host or Content-Type headers.
 */
function headersFault({ rawHeaders, headers, httpVersion }: IncomingMessage) {
  let hosts = 0;
  let types = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
    if (name?.length === 12 && name.toLowerCase() === 'content-type') types += 1;
  }
  if (types > 1) return invalid('The request has more than one Content-Type header.');
  if (hosts > 1) return invalid('The request has more than one Host header.');
  if (hosts === 1) {
    return AUTHORITY.test(headers.host ?? '')
      ? undefined
      : invalid('The Host header is not a name or an address, with or without a port.');
  }
  return httpVersion === '1.0' ? undefined : invalid('The request has no Host header.');
}

const ELSEWHERE: ReadonlySet<unknown> = new Set(['cross-site', 'same-site']);

/**
 * A browser lets a page of any site send what a form could send, and asks first (CORS) only about
 * the rest, such as JSON. Without this check any page that an operator opens could stop the sync
 * worker.
 */
function foreignPageFault(request: IncomingMessage): RequestError | undefined {
  const { headers } = request;
  const isUnasked = !(headers['content-type'] ?? '').startsWith('application/json');
  if (!isUnasked || !ELSEWHERE.has(headers['sec-fetch-site']) || isRead(request)) return undefined;
  return invalid('A page of another site must not change anything here.');
}

/** What is wrong with a head that was understood: the request is refused, the connection stays. */
export function headFault(request: IncomingMessage): RequestError | undefined {
  return urlFault(request.url ?? '') ?? headersFault(request) ?? foreignPageFault(request);
}

function invalid(detail: string): RequestError {
  return new RequestError('validation-failed', detail);
}
