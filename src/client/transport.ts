import type { Problem } from './wire-types.js';
import { UnexpectedAnswerError } from './errors.js';
import { DELAY_MS_MAX, type Environment } from './environment.js';

export interface WireRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface Accepted {
  readonly kind: 'ok';
  /** Parsed JSON; undefined where there is none. */
  readonly body: unknown;
  readonly headers?: Headers;
}

/** A final decision of the service: nothing has happened. */
export interface Refused {
  readonly kind: 'refused';
  readonly problem: Problem;
}

export interface NoAnswer {
  /**
   * `not-executed`: the service says so, with 429 or 503. `unknown`: no answer, or one that does
   * not tell; the request may have been executed, or may yet be.
   */
  readonly kind: 'not-executed' | 'unknown';
  readonly why: string;
  readonly retryAfterMs: number;
}

/** The result of one attempt. */
export type Reply = Accepted | Refused | NoAnswer;

export interface Transport {
  /** One attempt, no retries. Rejects if the caller's signal aborts it. */
  send(request: WireRequest): Promise<Reply>;
}

export interface TransportOptions {
  readonly url: string;
  /** How long one attempt may take before it counts as unanswered, in ms. */
  readonly attemptTimeoutMs: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly environment: Pick<Environment, 'wallMs'>;
}

/**
 * Throws if the URL is unusable, since otherwise every request would end without an answer, much
 * later. A user and a password belong in a header; the message does not repeat them.
 */
export function baseOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isHttp = parsed?.protocol === 'http:' || parsed?.protocol === 'https:';
  if (parsed === undefined || !isHttp) {
    // What comes before an @ may be a password.
    const shown = url.includes('@') ? '' : `: ${url}`;
    throw new TypeError(`the URL of the service must be http://… or https://…${shown}`);
  }
  const { origin, pathname, username, password, search, hash } = parsed;
  if (username + password + search + hash !== '') {
    throw new TypeError('the URL of the service has more than a host and a path');
  }
  return origin + pathname.replace(/\/+$/, '');
}

/** The headers of every request, overridden by the request's own; case-insensitive. */
export function headersOf(
  always: Readonly<Record<string, string>> | undefined,
  own: Readonly<Record<string, string | undefined>>,
): Headers {
  const headers = new Headers(always);
  for (const [name, value] of Object.entries(own)) {
    if (value !== undefined) headers.set(name, value);
  }
  return headers;
}

export function createTransport(options: TransportOptions): Transport {
  const attemptTimeoutMs = Math.min(options.attemptTimeoutMs, DELAY_MS_MAX);
  const base = baseOf(options.url);

  return {
    async send({ method, path, body, headers, idempotencyKey, signal }) {
      // Outside of the attempt: an unsendable request is the caller's mistake, not a lost answer.
      const sent = {
        method,
        redirect: 'error' as const,
        headers: headersOf(options.headers, {
          ...headers,
          'Content-Type': body === undefined ? undefined : 'application/json',
          'Idempotency-Key': idempotencyKey,
        }),
        ...(body !== undefined && { body: JSON.stringify(body) }),
      };
      let response: Response;
      let text: string;
      try {
        response = await fetch(base + path, {
          ...sent,
          signal: withTimeout(signal, attemptTimeoutMs),
        });
        text = await response.text();
      } catch (error) {
        signal?.throwIfAborted();
        return { kind: 'unknown', why: reasonOf(error), retryAfterMs: 0 };
      }
      const value = parsed(text);
      if (response.ok) return { kind: 'ok', body: value, headers: response.headers };
      return failureOf(response.status, value, retryAfterMs(response.headers, options.environment));
    },
  };
}

/** What an unsuccessful answer means for the caller. */
export function failureOf(status: number, body: unknown, retryMs: number): Refused | NoAnswer {
  const problem = isProblem(body) ? body : undefined;
  const why = `${status} ${problem?.code ?? ''}`.trim();
  if (status === 429 || status === 503) {
    // Without a problem it is from an intermediary: what the service did is unknown.
    const kind = problem === undefined ? 'unknown' : 'not-executed';
    return { kind, why, retryAfterMs: retryMs };
  }
  if (status >= 500 || status === 408) return { kind: 'unknown', why, retryAfterMs: retryMs };
  if (problem !== undefined) return { kind: 'refused', problem };
  throw new UnexpectedAnswerError(`the service answered ${why}`);
}

/** RFC 9110 §10.2.3: seconds, or a date, which an intermediary may send. */
export function retryAfterMs(headers: Headers, { wallMs }: Pick<Environment, 'wallMs'>): number {
  const text = headers.get('Retry-After') ?? '';
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - wallMs();
  return ms > 0 ? ms : 0;
}

/** The message `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof AggregateError) return reasonOf(cause.errors[0]);
  return cause instanceof Error ? cause.message : error.message;
}

function withTimeout(signal: AbortSignal | undefined, timeoutMs: number): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs);
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
}

/** Undefined: it is no JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Of this service: a gateway may answer with JSON of its own, which may have a code, too. */
function isProblem(body: unknown): body is Problem {
  if (typeof body !== 'object' || body === null) return false;
  const { code, type, status } = body as Partial<Record<keyof Problem, unknown>>;
  return typeof code === 'string' && type === `/problems/${code}` && typeof status === 'number';
}
