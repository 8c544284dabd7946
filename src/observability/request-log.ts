import type { IncomingMessage, ServerResponse } from 'node:http';
import { pinoHttp } from 'pino-http';
import type { Logger } from './logger.js';

/** What the HTTP edge leaves on a request and its response, for the line about them. */
export type LoggedRequest = IncomingMessage & {
  readonly requestId: string;
  /** The route that took it: its path is the pattern. */
  readonly route?: { readonly path: string };
};
export type LoggedResponse = ServerResponse & {
  /** Of the event that the answer tells of. */
  readonly sequence?: number;
};

export type RequestLogger = (
  request: LoggedRequest,
  response: LoggedResponse,
  next: () => void,
) => void;

const PATH_SHOWN_MAX = 256;

/** One line per request, once its answer is out or the client is gone: no body, no header. */
export function createRequestLogger(logger: Logger): RequestLogger {
  return pinoHttp<LoggedRequest, LoggedResponse>({
    logger: withoutChildren(logger),
    wrapSerializers: false,
    quietResLogger: true,
    genReqId: ({ requestId }) => requestId,
    customAttributeKeys: { responseTime: 'durationMs' },
    customLogLevel: (_request, response) => levelOf(response.statusCode),
    customSuccessMessage: message,
    customErrorMessage: message,
    customSuccessObject: (request, response, timed: Timed) => entry(request, response, timed),
    customErrorObject: (request, response, _error, timed: Timed) => entry(request, response, timed),
  });
}

interface Timed {
  readonly durationMs: number;
}

function entry(request: LoggedRequest, response: LoggedResponse, { durationMs }: Timed): object {
  const { requestId, method, url = '', route } = request;
  const query = url.indexOf('?');
  return {
    requestId,
    method,
    route: route?.path,
    path: url.slice(0, query === -1 ? PATH_SHOWN_MAX : Math.min(query, PATH_SHOWN_MAX)),
    status: response.headersSent ? response.statusCode : undefined,
    durationMs,
    sequence: response.sequence,
  };
}

/** What we turn away under load is expected; a defect of ours is not. */
function levelOf(status: number): 'info' | 'warn' | 'error' {
  if (status < 500) return 'info';
  return status === 503 ? 'warn' : 'error';
}

function message(_request: LoggedRequest, response: LoggedResponse): string {
  return response.writableFinished ? 'request' : 'request aborted';
}

/**
 * pino-http makes two child loggers per request, only to serialize a request that we do not log:
 * about half of its cost.
 */
function withoutChildren(logger: Logger): Logger {
  const childless: Logger = Object.create(logger, {
    child: { value: () => childless },
  }) as Logger;
  return childless;
}
