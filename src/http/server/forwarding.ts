import {
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

/** Where the process listens that answers such requests for all; undefined: this one does. */
export type AnsweredAt = () => string | undefined;

declare module 'express-serve-static-core' {
  interface Request {
    /** By another process of ours, which has looked at its client's rate, and counted it. */
    isForwarded?: boolean;
  }
}

/** Connections of other processes, with requests of clients whose rate was looked at there. */
const forwarded = new WeakSet<object>();

export function isForwarded(socket: object): boolean {
  return forwarded.has(socket);
}

/** Takes a connection of another process as one of this server. */
export function acceptForwarded(server: Server, socket: Socket): void {
  forwarded.add(socket);
  server.emit('connection', socket);
}

/** Another process takes it over within half a second where the one that had it has ended. */
const NOBODY_RETRY_MS = 1_000;
/** Of one connection; each of ours has its own. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length']);
/** What every answer of this process carries of itself. */
const OUR_OWN = new Set([...HOP_BY_HOP, 'date', 'x-request-id', 'traceparent']);
/** How long a read may take there, besides what it asks to wait; who has it may be frozen. */
const READ_MS_MAX = 5_000;
const WAIT_ASKED_MS_MAX = 60_000;
/** A run of the sync worker takes as long as its sources do. */
const WRITE_MS_MAX = 600_000;
/** Nobody was there to take it: it has not been executed. */
const NOT_REACHED = new Set(['ENOENT', 'ECONNREFUSED']);

export interface Forwarding {
  readonly handler: RequestHandler;
  /** Readers who wait for another process are told now that it is not there yet. */
  stopWaiting(): void;
}

/** Hands requests to the process that answers them for all, and its answers back, as they are. */
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
    // Whoever waits for another process must not take the place of those who read here.
    const reads = isRead(request);
    if (reads) release(response);
    const handed = httpRequest({ socketPath, method, path, headers });
    let isOver = false;
    /** Of an answer, a failure, the end of the waiting and of the client, what comes first. */
    const end = (task: () => void): void => {
      if (isOver) return;
      isOver = true;
      waiting.delete(stop);
      task();
    };
    const tellToAskAgain = (cause?: unknown): void => {
      next(new UnavailableError('aggregate-behind', NOBODY_RETRY_MS, { cause }));
    };
    const stop = (): void => {
      end(() => {
        handed.destroy();
        tellToAskAgain();
      });
    };
    const failed = (error: NodeJS.ErrnoException): void => {
      end(() => {
        // What a write has done is not known: it has no answer.
        if (reads || NOT_REACHED.has(error.code ?? '')) tellToAskAgain(error);
        else response.destroy();
      });
    };
    if (reads) waiting.add(stop);
    const cancelLimit = timers.after(
      reads ? READ_MS_MAX + askedWaitMs(request) : WRITE_MS_MAX,
      () => handed.destroy(new Error('the process that answers for all does not answer')),
    );
    handed.on('error', failed);
    handed.on('response', (answer) => {
      read(answer).then((body) => {
        end(() => {
          const { statusCode: status = 502 } = answer;
          send(request, response, { status, headers: ownHeadersOf(answer), body });
        });
      }, failed);
    });
    handed.on('close', cancelLimit);
    response.on('close', () => end(() => handed.destroy()));
    request.pipe(handed);
  }

  return {
    handler,
    stopWaiting() {
      for (const stop of waiting) stop();
    },
  };
}

function askedWaitMs({ query }: Request): number {
  const asked = Number(query['waitMs'] ?? 0);
  return asked > 0 ? Math.min(asked, WAIT_ASKED_MS_MAX) : 0;
}

function headersOf({ headers, requestId }: Request, response: Response): OutgoingHttpHeaders {
  const handed: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    // How long the body is, is told as it came: chunked, or by its length.
    const isFraming = name === 'transfer-encoding' || name === 'content-length';
    if (value !== undefined && (isFraming || !HOP_BY_HOP.has(name))) handed[name] = value;
  }
  // Where requests are traced the answer names our span: what is done there is below it.
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
