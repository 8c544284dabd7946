import type { IncomingHttpHeaders } from 'node:http';
import type { RequestHandler } from 'express';
import { lingerOnClose } from './lingering-close.js';
import { RequestError } from './request-error.js';
import { parseJsonObject } from './strict-json.js';

/**
 * No parameter but the charset, and that one only as UTF-8: JSON has no other encoding between
 * systems (RFC 8259 §8.1), and a parameter we do not know could change what the body means.
 */
const JSON_MEDIA_TYPE =
  /^application\/json[ \t]*(?:;[ \t]*(?:charset=(?:utf-8|"utf-8")[ \t]*)?)?$/i;

interface JsonBodyOptions {
  readonly limitBytes: number;
  /** A request with neither a body nor a Content-Type counts as `{}`. */
  readonly allowEmpty?: boolean;
}

/**
 * Reads one JSON object into `req.body`. Refuses with a RequestError: payload-too-large,
 * unsupported-media-type, malformed-json (not a JSON text), validation-failed (JSON that means
 * different things to different readers, or no object) and request-timeout (it broke off).
 */
export function jsonBody({ limitBytes, allowEmpty = false }: JsonBodyOptions): RequestHandler {
  return function readJsonBody(req, res, next) {
    const { headers } = req;
    const typed = headers['content-type'] !== undefined;
    let bytes: Buffer = NOTHING;
    let used = 0;
    let settled = false;

    function refuse(error: unknown): void {
      settled = true;
      next(error);
    }
    function refuseTooLarge(): void {
      res.setHeader('Connection', 'close');
      lingerOnClose(req.socket);
      refuse(new RequestError('payload-too-large', `The limit is ${limitBytes} bytes.`));
    }
    function parse(): object {
      if (used === 0 && allowEmpty && !typed) return {};
      if (used > 0 && !typed) throw unsupportedMediaType();
      return parseJsonObject(bytes.subarray(0, used));
    }

    if (Number(headers['content-length'] ?? 0) > limitBytes) {
      refuseTooLarge();
      return;
    }
    if (!isMediaTypeAccepted(headers)) {
      refuse(unsupportedMediaType());
      return;
    }
    req.on('data', (chunk: Buffer) => {
      if (settled) return;
      if (used + chunk.length > limitBytes) {
        refuseTooLarge();
        return;
      }
      bytes = used === 0 ? chunk : append(bytes, used, chunk);
      used += chunk.length;
    });
    req.on('end', () => {
      if (settled) return;
      try {
        req.body = parse();
      } catch (error) {
        refuse(error);
        return;
      }
      settled = true;
      next();
    });
    // Comes after every end and every error, and without either when the client goes away.
    req.on('close', () => {
      if (!settled) refuse(new RequestError('request-timeout', 'The body broke off.'));
    });
  };
}

const NOTHING = Buffer.alloc(0);

function unsupportedMediaType(): RequestError {
  return new RequestError(
    'unsupported-media-type',
    'The body must be application/json in UTF-8, without a content encoding.',
  );
}

/** An absent type is judged later: it is wrong only for a body that turns out to have bytes. */
function isMediaTypeAccepted(headers: IncomingHttpHeaders): boolean {
  const type = headers['content-type'];
  const encoding = headers['content-encoding'];
  return (
    (type === undefined || type === 'application/json' || JSON_MEDIA_TYPE.test(type)) &&
    (encoding === undefined || encoding === '' || encoding.toLowerCase() === 'identity')
  );
}

/**
 * One growing buffer, not a list of chunks: a body that comes a byte at a time then costs what it
 * weighs, not a Buffer object per byte.
 */
function append(bytes: Buffer, used: number, chunk: Buffer): Buffer {
  let target = bytes;
  if (used + chunk.length > bytes.length) {
    target = Buffer.allocUnsafe(2 * (used + chunk.length));
    bytes.copy(target, 0, 0, used);
  }
  chunk.copy(target, used);
  return target;
}
