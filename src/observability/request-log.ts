import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../system.js';
import type { Logger } from './logger.js';
import type { RequestMetrics } from './request-metrics.js';

/** What the HTTP edge leaves on a request and its response, for those who look on. */
export type ObservedRequest = IncomingMessage & {
  readonly requestId: string;
  /** The route that took it: its path is the pattern. */
  readonly route?: { readonly path: string };
};
export type ObservedResponse = ServerResponse & {
  /** Of the event that the answer tells of. */
  readonly sequence?: number;
  readonly problemCode?: string;
  /** Written here: when the request came, on the monotonic clock. */
  startedAtMs?: number;
};

export type RequestObserver = (
  request: ObservedRequest,
  response: ObservedResponse,
  next: () => void,
) => void;

const PATH_SHOWN_MAX = 256;

/**
 * Counts every request, and writes one line about it, once its answer is out or the client is gone:
 * no body, no header. All requests share one listener: nothing is made for each but its line.
 */
export function createRequestObserver(deps: {
  readonly logger: Logger;
  readonly metrics: Pick<RequestMetrics, 'started' | 'ended'>;
  readonly clock: Clock;
}): RequestObserver {
  const { logger, metrics, clock } = deps;

  function onClose(this: ObservedResponse): void {
    const request = this.req as ObservedRequest;
    const { requestId, method = '', route } = request;
    const durationMs = clock.monotonicMs() - (this.startedAtMs ?? 0);
    const status = this.headersSent ? this.statusCode : undefined;
    const finished = this.writableFinished;
    metrics.ended(method, route?.path, finished ? status : undefined, durationMs);
    logger[levelOf(status)](
      {
        requestId,
        method,
        route: route?.path,
        path: pathOf(request),
        status,
        code: this.problemCode,
        durationMs: Math.round(durationMs * 10) / 10,
        sequence: this.sequence,
      },
      finished ? 'request' : 'request aborted',
    );
  }

  return (_request, response, next) => {
    response.startedAtMs = clock.monotonicMs();
    metrics.started();
    // Comes once, with an answer and without.
    response.on('close', onClose);
    next();
  };
}

/** Without the query, which may hold what is none of the log's business. */
function pathOf({ url = '' }: IncomingMessage): string {
  const query = url.indexOf('?');
  return url.slice(0, query === -1 ? PATH_SHOWN_MAX : Math.min(query, PATH_SHOWN_MAX));
}

/** What we turn away under load is expected; a defect of ours is not. */
function levelOf(status = 0): 'info' | 'warn' | 'error' {
  if (status < 500) return 'info';
  return status === 503 ? 'warn' : 'error';
}
