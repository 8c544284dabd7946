import type { IncomingMessage, ServerResponse } from 'node:http';
import { pinoHttp } from 'pino-http';
import type { Clock } from '../system.js';
import type { Logger } from './logger.js';
import type { RequestMetrics } from './request-metrics.js';

/** What the HTTP layer sets on a request and its response for observers. */
export type ObservedRequest = IncomingMessage & {
  readonly requestId: string;
  /** Forwarded by another process of ours, which counts it. */
  readonly isForwarded?: boolean;
  /** The matched route; its path is the pattern. */
  readonly route?: { readonly path: string };
};
export type ObservedResponse = ServerResponse & {
  /** Sequence of the event that the answer reports. */
  readonly sequence?: number;
  readonly problemCode?: string;
  /** Set here: when the request arrived, on the monotonic clock. */
  startedAtMs?: number;
  /** Set if the request is traced. */
  traceId?: string;
};

/** Called when a request arrives; notices its end by itself. */
export type RequestObserver = (request: ObservedRequest, response: ObservedResponse) => void;

const PATH_SHOWN_MAX = 256;
const UNREMARKABLE: ReadonlySet<string | undefined> = new Set([
  '/metrics',
  '/api/health/liveness',
  '/api/health/readiness',
]);

/** pino-http lists its loggers on every request and response; the lists are never read. */
const UNREAD: Logger[] = Object.assign([], { push: () => 0 });

/**
 * Counts every request, and has pino-http log one line about it once its answer is sent or the
 * client is gone: without body and headers.
 */
export function createRequestObserver(deps: {
  readonly logger: Logger;
  readonly metrics: Pick<RequestMetrics, 'started' | 'ended'>;
  readonly clock: Clock;
}): RequestObserver {
  const { metrics, clock } = deps;

  /** Milliseconds since the request arrived. */
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
    // Called exactly once per request, at its end, even if no line is written.
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
 * pino-http creates two child loggers per request, only to serialize a request that we do not log:
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

/** Without the query, which may contain data that must not be logged. */
function pathOf({ url = '' }: IncomingMessage): string {
  const query = url.indexOf('?');
  return url.slice(0, query === -1 ? PATH_SHOWN_MAX : Math.min(query, PATH_SHOWN_MAX));
}

/**
 * A 503 under load is expected, any other 5xx is a defect. Successful probes and scrapes come every
 * few seconds and tell nothing.
 */
function levelOf({ route }: ObservedRequest, status = 0): 'debug' | 'info' | 'warn' | 'error' {
  if (status === 200 && UNREMARKABLE.has(route?.path)) return 'debug';
  if (status < 500) return 'info';
  return status === 503 ? 'warn' : 'error';
}
