import type { Request, Response } from 'express';
import { isLastPipelined } from './server/pipelining.js';

/** The answer to a request. createAnswerSender adds the request's id and quota, and framing. */
export interface Answer {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** '' if there is no body; bytes if it is large and sent often: text is encoded for each answer. */
  readonly body: string | Buffer;
  /** Sequence of the event that it reports, for the log line. */
  readonly sequence?: number;
  /** The code of the problem that it reports, if any. */
  readonly code?: string;
  /** It repeats the first outcome of its idempotency key. */
  readonly replayed?: true;
}

/** Counts outcomes of requests, and of the single operations of a non-atomic batch. */
export interface OutcomeCounter {
  refused(code: string): void;
  replayed(): void;
  /** A request that was refused before it was routed: over its client's rate, or shed. */
  turnedAway(method: string, status: number): void;
  /** A connection that was closed for what was sent on it: no valid or complete request. */
  connectionRefused(status: number): void;
}

export type SendAnswer = (request: Request, response: Response, answer: Answer) => void;

declare module 'express-serve-static-core' {
  interface Request {
    /** The client's or a new one: in the answer and in every log line about this request. */
    requestId: string;
  }
  interface Response {
    sequence?: number;
    problemCode?: string;
    /** The headers about the client's quota: names and values in turn. */
    quotaHeaders?: readonly string[];
  }
}

/** While the server drains, a connection closes after the last answer that is due on it. */
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
    // Only the last of several pipelined answers says it: Node closes after the one that does, and
    // executed requests behind it would get no answer.
    if (draining() && isLastPipelined(response, request.socket)) all.push('Connection', 'close');
    if (body === '') {
      response.writeHead(status, all).end();
      return;
    }
    const bytes = Buffer.byteLength(body);
    all.push('Content-Length', String(bytes));
    // An all-ASCII body is copied as it is, not encoded character by character.
    response.writeHead(status, all).end(body, bytes === body.length ? 'latin1' : 'utf8');
  };
}

/** The headers of answers to writes, and to reads. */
export const WRITTEN = ['Content-Type', 'application/json', 'Cache-Control', 'no-store'] as const;
export const READ = ['Content-Type', 'application/json', 'Cache-Control', 'no-cache'] as const;
