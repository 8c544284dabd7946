import type { IncomingMessage, ServerResponse } from 'node:http';
import { pinoHttp } from 'pino-http';
import type { Clock } from '../system.js';
import type { Logger } from './logger.js';
import type { RequestMetrics } from './request-metrics.js';

/** What the HTTP edge leaves on a request and its response, for those who look on. */
export type ObservedRequest = IncomingMessage & {
  readonly requestId: string;
  /** By another process of ours, which counts it. */
  readonly isForwarded?: boolean;
  /** The route that took it: its path is the pattern. */
  readonly route?: { readonly path: string };
};
export type ObservedResponse = ServerResponse & {
  /** Of the event that the answer tells of. */
  readonly sequence?: number;
  readonly problemCode?: string;
  /** Written here: when the request came, on the monotonic clock. */
  startedAtMs?: number;
  /** Where the request is traced. */
  traceId?: string;
};

/** Called when a request has come; it sees for itself when that is over. */
export type RequestObserver = (request: ObservedRequest, response: ObservedResponse) => void;

const PATH_SHOWN_MAX = 256;
const UNREMARKABLE: ReadonlySet<string | undefined> = new Set([
  '/metrics',
  '/api/health/liveness',
  '/api/health/readiness',
]);

/** pino-http lists its loggers on every request and response; nobody reads the lists. */
const UNREAD: Logger[] = Object.assign([], { push: () => 0 });

/**
 * Counts every request, and has pino-http write one line about it, once its answer is out or the
 * client is gone: no body, no header.
 */
export function createRequestObserver(deps: {
  readonly logger: Logger;
  readonly metrics: Pick<RequestMetrics, 'started' | 'ended'>;
  readonly clock: Clock;
}): RequestObserver {
  const { metrics, clock } = deps;

  /** Milliseconds since the request came. */
  function durationOf({ startedAtMs = 0 }: ObservedResponse): number {
    return clock.monotonicMs() - startedAtMs;
  }

  function count(request: ObservedRequest, response: ObservedResponse): void {
    const { method = '', route } = request;
    if (request.isForwarded === true) return;
    const status = response.writableFinished ? statusOf(response) : undefined;
    metrics.ended(method, route?.path, status, durationOf(response));
  }

  function entry(request: ObservedRequest, response: ObservedResponse): object {
    const { requestId, method, route } = request;
    return {
      requestId,
      method,
      route: route?.path,
      path: pathOf(request),
      status: statusOf(response),
      code: response.problemCode,
      durationMs: Math.round(durationOf(response) * 10) / 10,
      sequence: response.sequence,
      traceId: response.traceId,
    };
  }

  const logRequest = pinoHttp<ObservedRequest, ObservedResponse>({
    logger: withoutChildren(deps.logger),
    wrapSerializers: false,
    quietResLogger: true,
    genReqId: ({ requestId }) => requestId,
    // Asked once for every request, when it is over, whether a line is written or not.
    customLogLevel(request, response) {
      count(request, response);
      return levelOf(request, statusOf(response));
    },
    customSuccessMessage: message,
    customErrorMessage: message,
    customSuccessObject: (request, response) => entry(request, response),
    customErrorObject: (request, response) => entry(request, response),
  });

  return (request, response) => {
    request.allLogs = response.allLogs = UNREAD;
    response.startedAtMs = clock.monotonicMs();
    if (request.isForwarded !== true) metrics.started();
    logRequest(request, response);
  };
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

function message(_request: ObservedRequest, response: ObservedResponse): string {
  return response.writableFinished ? 'request' : 'request aborted';
}

/** Undefined: no answer was sent. */
function statusOf({ headersSent, statusCode }: ObservedResponse): number | undefined {
  return headersSent ? statusCode : undefined;
}

/** Without the query, which may hold what is none of the log's business. */
function pathOf({ url = '' }: IncomingMessage): string {
  const query = url.indexOf('?');
  return url.slice(0, query === -1 ? PATH_SHOWN_MAX : Math.min(query, PATH_SHOWN_MAX));
}

/**
 * What we turn away under load is expected; a defect of ours is not. Probes and scrapes that find all
 * well come every few seconds, and tell nothing.
 */
function levelOf({ route }: ObservedRequest, status = 0): 'debug' | 'info' | 'warn' | 'error' {
  if (status === 200 && UNREMARKABLE.has(route?.path)) return 'debug';
  if (status < 500) return 'info';
  return status === 503 ? 'warn' : 'error';
}
