import type { IncomingHttpHeaders } from 'node:http';
import type { NextFunction, Request, RequestHandler } from 'express';
import { UnavailableError } from '../../domain/errors.js';
import { isClosing, lingerOnClose } from '../server/lingering-close.js';
import { RequestError } from '../request-error.js';
import { parseJsonObject } from './strict-json.js';

/**
 * The only parameter allowed is charset=utf-8: JSON has no other encoding between systems (RFC 8259
 * §8.1), and an unknown parameter could change what the body means.
 */
const JSON_MEDIA_TYPE =
  /^application\/json[ \t]*(?:;[ \t]*(?:charset=(?:utf-8|"utf-8")[ \t]*)?)?$/i;

export interface JsonBodyOptions {
  readonly limitBytes: number;
  /** A request with neither a body nor a Content-Type counts as `{}`. */
  readonly allowEmpty?: boolean;
}

/** Makes the middleware that reads the bodies of a route. */
export type JsonBody = (options: JsonBodyOptions) => RequestHandler;

/** Memory for all larger bodies that are arriving: for some fifty of 2 MiB. */
const KEPT_BYTES_MAX = 128 * 1024 * 1024;
/** A body that takes no more than this is read even if that memory is used up. */
const ALWAYS_KEPT_BYTES = 64 * 1024;
const NO_MEMORY_RETRY_MS = 1_000;

/**
 * Reads one JSON object into `req.body`. Refuses with a RequestError: payload-too-large,
 * unsupported-media-type, malformed-json and validation-failed (see parseJsonObject), and
 * request-timeout (the body broke off); or with UnavailableError 'overloaded': clients have sent
 * too much of bodies that they do not complete. All routes share the memory for these; `onShed` is
 * called for every such refusal.
 */
export function createJsonBody(onShed: () => void, keptBytesMax = KEPT_BYTES_MAX): JsonBody {
  const kept = { bytes: 0, bytesMax: keptBytesMax, onShed };
  return ({ limitBytes, allowEmpty = false }) =>
    function readJsonBody(req, res, next) {
      const { headers } = req;
      if (Number(headers['content-length'] ?? 0) > limitBytes) {
        next(tooLarge(req, limitBytes));
        return;
      }
      if (!isMediaTypeAccepted(headers)) {
        next(unsupportedMediaType());
        return;
      }
      req.arriving = { limitBytes, allowEmpty, next, kept, bytes: NOTHING, used: 0 };
      req.on('data', take);
      req.on('end', parse);
      // 'close' follows every 'end' and 'error', and comes alone when the client disconnects.
      req.on('close', breakOff);
    };
}

/** A body that is arriving, until it is complete or refused. */
interface ArrivingBody extends Required<JsonBodyOptions> {
  readonly next: NextFunction;
  /** What all bodies take that are arriving. */
  readonly kept: { bytes: number; readonly bytesMax: number; readonly onShed: () => void };
  bytes: Buffer;
  used: number;
}

declare module 'express-serve-static-core' {
  interface Request {
    arriving?: ArrivingBody | undefined;
  }
}

// Shared listeners, no closures per request: only the state of the body is allocated for each.

function take(this: Request, chunk: Buffer): void {
  const { arriving } = this;
  if (arriving === undefined) return;
  const { bytes, used, limitBytes, kept } = arriving;
  if (used + chunk.length > limitBytes) {
    settle(this, tooLarge(this, limitBytes));
    return;
  }
  arriving.bytes = used === 0 ? chunk : append(bytes, used, chunk);
  arriving.used += chunk.length;
  kept.bytes += arriving.bytes.length - bytes.length;
  if (kept.bytes > kept.bytesMax && arriving.bytes.length > ALWAYS_KEPT_BYTES) {
    kept.onShed();
    closeAfterAnswer(this);
    settle(this, new UnavailableError('overloaded', NO_MEMORY_RETRY_MS));
  }
}

function parse(this: Request): void {
  const { arriving } = this;
  if (arriving === undefined) return;
  try {
    this.body = parsed(arriving, this.headers['content-type'] !== undefined);
  } catch (error) {
    settle(this, error);
    return;
  }
  settle(this);
}

function breakOff(this: Request): void {
  if (this.arriving === undefined) return;
  // What broke off is answered and counted already if it was no HTTP, or came too late.
  if (isClosing(this.socket)) forget(this);
  else {
    settle(this, new RequestError('request-timeout', 'The connection ended before the body did.'));
  }
}

function settle(request: Request, error?: unknown): void {
  forget(request)?.next(error);
}

function forget(request: Request): ArrivingBody | undefined {
  const { arriving } = request;
  request.arriving = undefined;
  if (arriving !== undefined) arriving.kept.bytes -= arriving.bytes.length;
  return arriving;
}

function parsed({ bytes, used, allowEmpty }: ArrivingBody, typed: boolean): object {
  if (used === 0 && allowEmpty && !typed) return {};
  if (used > 0 && !typed) throw unsupportedMediaType();
  return parseJsonObject(used === bytes.length ? bytes : bytes.subarray(0, used));
}

/** The rest of the body is not read. */
function closeAfterAnswer(request: Request): void {
  request.res?.setHeader('Connection', 'close');
  lingerOnClose(request.socket, request);
}

function tooLarge(request: Request, limitBytes: number): RequestError {
  closeAfterAnswer(request);
  return new RequestError('payload-too-large', `The limit is ${limitBytes} bytes.`);
}

const NOTHING = Buffer.alloc(0);

function unsupportedMediaType(): RequestError {
  return new RequestError(
    'unsupported-media-type',
    'The body must be application/json in UTF-8, without a content encoding.',
  );
}

/** A missing type is judged later: it is wrong only if the body turns out not to be empty. */
function isMediaTypeAccepted(headers: IncomingHttpHeaders): boolean {
  const type = headers['content-type'];
  const encoding = headers['content-encoding'];
  return (
    (type === undefined || type === 'application/json' || JSON_MEDIA_TYPE.test(type)) &&
    (encoding === undefined || encoding === '' || encoding.toLowerCase() === 'identity')
  );
}

/**
 * One growing buffer, not a list of chunks: a body that arrives one byte at a time then costs its
 * size, not a Buffer object per byte.
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
