import type { IncomingMessage } from 'node:http';
import { isRead } from '../is-read.js';
import { RequestError } from '../request-error.js';

declare module 'express-serve-static-core' {
  interface Request {
    /** What is wrong with its target; the URL then is that of the root. */
    targetFault?: RequestError | undefined;
  }
}

/**
 * Whether a proxy on the way may find the end of this request in another place than we do: it has a
 * coding besides `chunked`, any coding in HTTP/1.0 (RFC 9112 §6.1), or a version that is neither 1.0
 * nor 1.1. What comes behind it on its connection cannot be trusted either.
 */
export function isMisframed({ headers, httpVersion }: IncomingMessage): boolean {
  const coding = headers['transfer-encoding'];
  if (httpVersion !== '1.1') return httpVersion !== '1.0' || coding !== undefined;
  return coding !== undefined && coding.toLowerCase() !== 'chunked';
}

/** RFC 3986 §3.2: a name or an address, perhaps a port; no user. */
const AUTHORITY =
  /^(?:\[[0-9a-f:.]+\]|(?:[a-z0-9._~!$&'()*+,;=-]|%[0-9a-f]{2})*)(?::[0-9]{0,5})?$/i;
const ABSOLUTE = /^https?:\/\/([^/?#]+)/i;
const SLASH = 47;

/**
 * Every server takes the form that proxies are sent, `http://host/path` (RFC 9112 §3.2.2). Here it
 * becomes the path: whoever looks at the URL later, sees one form. What else is no path is none.
 */
export function settleTarget(request: IncomingMessage): RequestError | undefined {
  const { url = '' } = request;
  if (url.charCodeAt(0) === SLASH) return undefined;
  const [start, authority = ''] = ABSOLUTE.exec(url) ?? [];
  if (start === undefined || !AUTHORITY.test(authority)) {
    // Not even its text is kept: there may be a password in it.
    request.url = '/';
    return new RequestError('validation-failed', 'The request target is not a path.');
  }
  const target = url.slice(start.length);
  request.url = target.startsWith('/') ? target : `/${target}`;
  return undefined;
}

/** RFC 9110 §4.1 asks for 8000 at least; no path and no query of ours comes near. */
const URI_LENGTH_MAX = 8_000;

/**
 * Up to the size of a whole head, that is: beyond it Node gives up, and the answer is 431. A `#` that
 * was not encoded would be taken for the end of the path, and another record for the one that is meant.
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
 * No Host header, but in HTTP/1.0, is no opinion on whom the request is for, two of them are two, and
 * what is no host names none (RFC 9112 §3.2). Node answers the one unseen, and keeps the first of the
 * others, as of two types of one body.
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
 * A browser lets a page of any site send what a form could send, and asks first (CORS) only about the
 * rest, such as JSON: without this every page that an operator looks at could stop the sync worker.
 */
function foreignPageFault(request: IncomingMessage): RequestError | undefined {
  const { headers } = request;
  const isUnasked = !(headers['content-type'] ?? '').startsWith('application/json');
  if (!isUnasked || !ELSEWHERE.has(headers['sec-fetch-site']) || isRead(request)) return undefined;
  return invalid('A page of another site may change nothing here.');
}

/** What is wrong with a head that was understood: its request is refused, and its connection stays. */
export function headFault(request: IncomingMessage): RequestError | undefined {
  return urlFault(request.url ?? '') ?? headersFault(request) ?? foreignPageFault(request);
}

function invalid(detail: string): RequestError {
  return new RequestError('validation-failed', detail);
}
