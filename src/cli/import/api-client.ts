import { z } from 'zod';
import type { RefusalCode, UnavailableCode } from '../../domain/errors.js';
import { ImportError } from './import-error.js';

export interface ApiRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
  readonly idempotencyKey?: string;
}

/** A decision, and final: 404, 409, 412 or 422. */
export interface Refusal {
  readonly kind: 'refused';
  readonly code: string;
  readonly detail: string;
}

export interface NoAnswer {
  /**
   * `not-executed`: the service says so, with 429 or 503. `unknown`: it says nothing, or nothing
   * that tells; it may have happened, or may yet.
   */
  readonly kind: 'not-executed' | 'unknown';
  readonly why: string;
  readonly retryAfterMs: number;
}

/** What came of one attempt. */
export type Reply = { readonly kind: 'ok'; readonly body: unknown } | Refusal | NoAnswer;

export interface ApiClient {
  /** One attempt, no retries. Throws ImportError where another attempt could only fail again. */
  send(request: ApiRequest): Promise<Reply>;
}

export const problemSchema = z.object({ code: z.string(), detail: z.string().default('') });
type Problem = z.infer<typeof problemSchema>;

const MEANING: Readonly<
  Record<RefusalCode | UnavailableCode | 'rate-limited', 'refused' | 'not-executed'>
> = {
  'stock-not-found': 'refused',
  'reservation-not-found': 'refused',
  'version-conflict': 'refused',
  'precondition-failed': 'refused',
  'reservation-not-active': 'refused',
  'insufficient-stock': 'refused',
  'below-reserved': 'refused',
  'same-store': 'refused',
  'reservation-exceeded': 'refused',
  'quantity-overflow': 'refused',
  'rate-limited': 'not-executed',
  overloaded: 'not-executed',
  'lock-contended': 'not-executed',
  'storage-unavailable': 'not-executed',
  'shutting-down': 'not-executed',
  'aggregate-behind': 'not-executed',
};
const MEANING_OF = new Map<string, 'refused' | 'not-executed'>(Object.entries(MEANING));

/** What an answer without success means for whoever asked. */
export function failureOf(
  status: number,
  problem: Problem | undefined,
  retryAfterMs: number,
): Refusal | NoAnswer {
  const meaning = problem && MEANING_OF.get(problem.code);
  const why = `${status} ${problem?.code ?? ''}`.trim();
  if (problem && meaning === 'refused') return { kind: meaning, ...problem };
  if (meaning === 'not-executed') return { kind: meaning, why, retryAfterMs };
  if (status >= 500 || status === 408 || status === 429) {
    return { kind: 'unknown', why, retryAfterMs };
  }
  throw new ImportError(`the service answered ${why} ${problem?.detail ?? ''}`.trim());
}

interface HttpApiClientOptions {
  readonly url: string;
  /** How long one attempt may take before it counts as unanswered. */
  readonly attemptTimeoutMs: number;
}

export function createHttpApiClient({ url, attemptTimeoutMs }: HttpApiClientOptions): ApiClient {
  const base = url.replace(/\/+$/, '');

  return {
    async send({ method, path, body, idempotencyKey }) {
      let response: Response;
      let text: string;
      try {
        response = await fetch(base + path, {
          method,
          redirect: 'error',
          signal: AbortSignal.timeout(attemptTimeoutMs),
          headers: {
            ...(body && { 'Content-Type': 'application/json' }),
            ...(idempotencyKey !== undefined && { 'Idempotency-Key': idempotencyKey }),
          },
          ...(body && { body: JSON.stringify(body) }),
        });
        text = await response.text();
      } catch (error) {
        return { kind: 'unknown', why: reasonOf(error), retryAfterMs: 0 };
      }
      const value = parsed(text);
      if (response.ok) return { kind: 'ok', body: value };
      const problem = problemSchema.safeParse(value);
      return failureOf(response.status, problem.data, retryAfterMs(response.headers));
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The delay form only: the service sends no dates. */
function retryAfterMs(headers: Headers): number {
  const seconds = Number(headers.get('Retry-After') ?? 0);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : 0;
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof AggregateError) return reasonOf(cause.errors[0]);
  return cause instanceof Error ? cause.message : error.message;
}
