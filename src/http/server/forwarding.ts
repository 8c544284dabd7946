import { once } from 'node:events';
import {
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  request as httpRequest,
} from 'node:http';
import type { Socket } from 'node:net';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { UnavailableError } from '../../domain/errors.js';
import type { Timers } from '../../system.js';
import { isRead } from '../is-read.js';
import type { RouteDeps } from '../route-deps.js';
import { WAIT_MS_MAX } from '../schemas/sync-schemas.js';

/** Socket path of the process that answers these requests for all; undefined: this one does. */
export type AnsweredAt = () => string | undefined;

declare module 'express-serve-static-core' {
  interface Request {
    /** Forwarded by another process, which has rate-limited and counted the request already. */
    isForwarded?: boolean;
  }
}

/** Connections from other processes, which have applied the rate limit to their requests. */
const forwarded = new WeakSet<object>();

export function isForwarded(socket: object): boolean {
  return forwarded.has(socket);
}

/** Serves a connection from another process as one of this server's own. */
export function acceptForwarded(server: Server, socket: Socket): void {
  forwarded.add(socket);
  server.emit('connection', socket);
}

/** When the process that answers has ended, another one takes over within half a second. */
const NOBODY_RETRY_MS = 1_000;
/** Headers about a single connection: each connection here has its own. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'te',
  'trailer',
  'upgrade',
]);
/** Headers that this process sets itself on every answer. */
const OUR_OWN = new Set([...HOP_BY_HOP, 'date', 'x-request-id', 'traceparent']);
const NO_ANSWER = 'the process that answers for all does not answer';
/** How long a read may take there, besides the wait it asks for: that process may be frozen. */
const READ_MS_MAX = 5_000;
/** A run of the sync worker takes as long as its sources do. */
const WRITE_MS_MAX = 600_000;
/** No process was listening: the request has not been executed. */
const NOT_REACHED = new Set(['ENOENT', 'ECONNREFUSED']);

export interface Forwarding {
  readonly handler: RequestHandler;
  /** Answers reads that wait for another process with 'aggregate-behind' now. */
  stopWaiting(): void;
}

/** Forwards requests to the process that answers them for all; passes its answers on unchanged. */
export function createForwarding(
  answeredAt: AnsweredAt,
  { send, release, timers }: Pick<RouteDeps, 'send' | 'release'> & { readonly timers: Timers },
): Forwarding {
  const waiting = new Set<() => void>();

  function handler(request: Request, response: Response, next: NextFunction): void {
    const socketPath = answeredAt();
    if (socketPath === undefined) {
      next();
      return;
    }
    const { method, originalUrl: path } = request;
    const headers = headersOf(request, response);
    // A read that waits for another process must not occupy a place in this process's lane.
    const reads = isRead(request);
    if (reads) release(response);
    let handed: ClientRequest | undefined;
    let isOver = false;
    /** Runs only the first task: answer, failure, end of waiting, or disconnect of the client. */
    const end = (task: () => void): void => {
      if (isOver) return;
      isOver = true;
      waiting.delete(stop);
      // The rest of a body that nobody reads would block the next request of the connection.
      if (handed !== undefined) request.unpipe(handed);
      request.resume();
      task();
    };
    const tellToAskAgain = (cause?: unknown): void => {
      next(new UnavailableError('aggregate-behind', NOBODY_RETRY_MS, { cause }));
    };
    const stop = (): void => {
      end(() => {
        handed?.destroy();
        tellToAskAgain();
      });
    };
    const failed = (error: NodeJS.ErrnoException): void => {
      end(() => {
        // It is unknown whether a write was executed: the connection is cut without an answer.
        if (reads || NOT_REACHED.has(error.code ?? '')) tellToAskAgain(error);
        else response.destroy();
      });
    };
    const hand = (): void => {
      if (isOver) return;
      const sent = httpRequest({ socketPath, method, path, headers });
      handed = sent;
      const cancelLimit = timers.after(
        reads ? READ_MS_MAX + askedWaitMs(request) : WRITE_MS_MAX,
        () => sent.destroy(new Error(NO_ANSWER)),
      );
      sent.on('error', failed);
      sent.on('response', (answer) => {
        read(answer).then((body) => {
          end(() => {
            const { statusCode: status = 502 } = answer;
            send(request, response, { status, headers: ownHeadersOf(answer), body });
          });
        }, failed);
      });
      sent.on('close', cancelLimit);
      request.pipe(sent);
    };
    response.on('close', () => end(() => handed?.destroy()));
    if (reads) {
      waiting.add(stop);
      hand();
    } else {
      assertAlive(socketPath, timers).then(hand, (error: unknown) => {
        end(() => tellToAskAgain(error));
      });
    }
  }

  return {
    handler,
    stopWaiting() {
      for (const stop of waiting) stop();
    },
  };
}

/**
 * Rejects if the process there does not answer a probe in time: it is frozen. A write must not be
 * sent to it, since it would be executed later, when its client has long been told otherwise.
 */
async function assertAlive(socketPath: string, timers: Timers): Promise<void> {
  const probe = httpRequest({ socketPath, path: '/api/health/liveness' });
  const cancelLimit = timers.after(READ_MS_MAX, () => probe.destroy(new Error(NO_ANSWER)));
  try {
    const [answer] = (await once(probe.end(), 'response')) as [IncomingMessage];
    answer.resume();
  } finally {
    cancelLimit();
  }
}

function askedWaitMs({ query }: Request): number {
  const asked = Number(query['waitMs'] ?? 0);
  return asked > 0 ? Math.min(asked, WAIT_MS_MAX) : 0;
}

function headersOf({ headers, requestId }: Request, response: Response): OutgoingHttpHeaders {
  const handed: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    // The body is framed as it was received: chunked, or by its length.
    const isFraming = name === 'transfer-encoding' || name === 'content-length';
    if (value !== undefined && (isFraming || !HOP_BY_HOP.has(name))) handed[name] = value;
  }
  // With tracing, the response names our span: it becomes the parent of the other process's span.
  const trace = response.getHeader('traceparent');
  return {
    ...handed,
    'x-request-id': requestId,
    ...(trace !== undefined && { traceparent: trace }),
  };
}

function ownHeadersOf({ rawHeaders }: IncomingMessage): readonly string[] {
  const headers: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = [rawHeaders[index], rawHeaders[index + 1]];
    if (!OUR_OWN.has(name.toLowerCase())) headers.push(name, value);
  }
  return headers;
}

async function read(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
