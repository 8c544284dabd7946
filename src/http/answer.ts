import type { Request, Response } from 'express';
import { isLastPipelined } from './server/pipelining.js';

/** What a request is answered with; that and the request's own id is all that is sent. */
export interface Answer {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** JSON text; '' where there is no body. */
  readonly body: string;
  /** The event that it tells of, for the log line. */
  readonly sequence?: number;
  /** Of the problem that it is. */
  readonly code?: string;
  /** It repeats the first outcome of its idempotency key. */
  readonly replayed?: true;
}

/** Counts what came of requests, and of the operations of those that have several. */
export interface OutcomeCounter {
  refused(code: string): void;
  replayed(): void;
  /** A connection that was closed for what was sent on it: it was no request, or never whole. */
  connectionRefused(status: number): void;
}

export type SendAnswer = (request: Request, response: Response, answer: Answer) => void;

declare module 'express-serve-static-core' {
  interface Request {
    /** The client's, or ours: in the answer and in every log line about this request. */
    requestId: string;
  }
  interface Response {
    sequence?: number;
    problemCode?: string;
    /** What is left of the client's quota: names and values in turn. */
    quotaHeaders?: readonly string[];
  }
}

/** While the server drains, every answer is the last one of its connection. */
export function createAnswerSender(deps: {
  readonly draining: () => boolean;
  readonly outcomes: OutcomeCounter;
}): SendAnswer {
  const { draining, outcomes } = deps;
  return (request, response, answer) => {
    const { status, headers, body, sequence, code } = answer;
    if (sequence !== undefined) response.sequence = sequence;
    if (code !== undefined) {
      response.problemCode = code;
      outcomes.refused(code);
    }
    if (answer.replayed) outcomes.replayed();
    const all = [...headers, 'X-Request-Id', request.requestId];
    if (response.quotaHeaders !== undefined) all.push(...response.quotaHeaders);
    // Of several that came behind each other the last one says it: Node would close, and the others
    // that were executed would have no answer.
    if (draining() && isLastPipelined(response, request.socket)) all.push('Connection', 'close');
    if (body === '') {
      response.writeHead(status, all).end();
      return;
    }
    const bytes = Buffer.byteLength(body);
    all.push('Content-Length', String(bytes));
    // What is all ASCII is copied as it is, and not character by character.
    response.writeHead(status, all).end(body, bytes === body.length ? 'latin1' : 'utf8');
  };
}

/** The headers of what was written, and of what was read. */
export const WRITTEN = ['Content-Type', 'application/json', 'Cache-Control', 'no-store'] as const;
export const READ = ['Content-Type', 'application/json', 'Cache-Control', 'no-cache'] as const;
