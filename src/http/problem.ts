import { IdempotencyKeyReusedError, UnavailableError } from '../domain/errors.js';
import type { RefusalCode, UnavailableCode } from '../domain/errors.js';
import type { Random } from '../system.js';
import type { Answer } from './answer.js';
import { RequestError, problemType } from './request-error.js';
import type { RequestErrorCode } from './request-error.js';

export type ProblemCode =
  | RefusalCode
  | RequestErrorCode
  | UnavailableCode
  | 'idempotency-key-reused'
  | 'position-ahead'
  | 'not-acceptable'
  | 'internal';

/** The one table from code to status and title (RFC 9457 §3.1: the same for every occurrence). */
export const PROBLEMS: Readonly<Record<ProblemCode, readonly [status: number, title: string]>> = {
  'malformed-json': [400, 'The body is not one JSON text'],
  'validation-failed': [400, 'The request breaks a rule of this interface'],
  'not-found': [404, 'There is nothing at this path'],
  'stock-not-found': [404, 'Unknown stock record'],
  'reservation-not-found': [404, 'Unknown reservation'],
  'dead-letter-not-found': [404, 'Unknown dead letter'],
  'method-not-allowed': [405, 'This path does not answer this method'],
  'not-acceptable': [406, 'There is no such form of this answer'],
  'request-timeout': [408, 'The request did not arrive in time'],
  'version-conflict': [409, 'The record has another version'],
  'reservation-not-active': [409, 'The reservation is over'],
  'position-ahead': [409, 'The log ends before this position'],
  'precondition-failed': [412, 'A precondition does not hold'],
  'payload-too-large': [413, 'The body is too large'],
  'uri-too-long': [414, 'The URI is too long'],
  'unsupported-media-type': [415, 'The body is not of a type that is read here'],
  'expectation-failed': [417, 'The expectation cannot be met'],
  'insufficient-stock': [422, 'Not enough is available'],
  'below-reserved': [422, 'Less than what is reserved'],
  'same-store': [422, 'A transfer needs two stores'],
  'reservation-exceeded': [422, 'More than the reservation holds'],
  'quantity-overflow': [422, 'More than can be counted exactly'],
  'idempotency-key-reused': [422, 'The idempotency key belongs to another request'],
  'precondition-required': [428, 'A precondition is missing'],
  'rate-limited': [429, 'More than this client may send'],
  internal: [500, 'Something failed on our side'],
  overloaded: [503, 'Too much to do at the moment'],
  'lock-contended': [503, 'Too many at the same record at the moment'],
  'storage-unavailable': [503, 'Nothing can be stored at the moment'],
  'aggregate-behind': [503, 'The aggregate is not there yet'],
  'shutting-down': [503, 'The server is shutting down'],
};

/** One occurrence of a problem; `detail` and `members` reveal nothing internal. */
export interface Problem {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly members?: Readonly<Record<string, unknown>>;
  /** Names and values in turn. */
  readonly headers?: readonly string[];
}

/** The request that a problem is about: in a replay, the one that was decided at first. */
export interface ProblemSource {
  readonly requestId: string;
  readonly instance: string;
}

export function statusOf(problem: Problem): number {
  return PROBLEMS[problem.code][0];
}

/** RFC 9457. */
export function problemJson(problem: Problem, { requestId, instance }: ProblemSource): string {
  const { code, detail, members } = problem;
  const [status, title] = PROBLEMS[code];
  const type = problemType(code);
  return JSON.stringify({ type, title, status, detail, instance, code, requestId, ...members });
}

export function problemAnswer(problem: Problem, source: ProblemSource): Answer {
  return {
    status: statusOf(problem),
    headers: [...PROBLEM_HEADERS, ...(problem.headers ?? [])],
    body: problemJson(problem, source),
    code: problem.code,
  };
}

const PROBLEM_HEADERS = ['Content-Type', 'application/problem+json', 'Cache-Control', 'no-store'];

/** What a client may know about an error: about an unexpected one, nothing. */
export function problemOf(error: unknown, random: Random): Problem {
  if (error instanceof RequestError) return requestProblem(error);
  if (error instanceof UnavailableError) return unavailable(error, random);
  if (error instanceof IdempotencyKeyReusedError) {
    return {
      code: 'idempotency-key-reused',
      detail: 'This Idempotency-Key was used with another request before.',
    };
  }
  // The router throws it for a path parameter.
  if (error instanceof URIError) {
    return { code: 'validation-failed', detail: 'The path is not percent-encoded UTF-8.' };
  }
  return { code: 'internal', detail: 'The failure has been logged with the requestId.' };
}

/** RFC 9110 §10.2.3: whole seconds. */
export function retryAfter(delayMs: number): readonly string[] {
  return ['Retry-After', String(Math.max(1, Math.ceil(delayMs / 1_000)))];
}

function requestProblem({ code, message, errors, allow }: RequestError): Problem {
  return {
    code,
    detail: message,
    ...(errors !== undefined && { members: { errors } }),
    ...(allow !== undefined && { headers: ['Allow', allow.join(', ')] }),
  };
}

function unavailable({ code, retryAfterMs }: UnavailableError, random: Random): Problem {
  return {
    code,
    detail:
      code === 'aggregate-behind'
        ? 'The central view is not there, or not that far yet; nothing was changed.'
        : 'The request was not executed, and nothing was stored: it may be sent again.',
    // Jitter: clients that were refused together must not return together.
    headers: retryAfter(retryAfterMs * (1 + random.next())),
  };
}
