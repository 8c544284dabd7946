import { InventoryProblem, NoAnswerError, UnexpectedAnswerError, unknownUnder } from './errors.js';
import type { Environment } from './environment.js';
import type { Accepted, NoAnswer, Reply, Transport, WireRequest } from './transport.js';

export interface RetryPolicy {
  /** How long a request is retried before giving up, in ms. Keys live longer (IDEMP_TTL_MS). */
  readonly retryForMs: number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
}

export interface Doubt<Found> {
  /** The request was sent before, and its answer was never learned. */
  readonly inDoubt?: boolean;
  /**
   * Finds out whether the request was executed; called before every attempt that follows one of
   * unknown outcome. For callers that retry for longer than keys live; without it, only the key
   * prevents a second execution.
   */
  readonly lookUp?: () => Promise<Found | undefined>;
}

export type Outcome<Found> = Accepted | { readonly kind: 'found'; readonly found: Found };

export interface Retrier {
  /** Retries until there is an answer. Throws InventoryProblem, or NoAnswerError in the end. */
  ask<Found = never>(request: WireRequest, doubt?: Doubt<Found>): Promise<Outcome<Found>>;
  /** For callers with their own retry loop: one attempt, and the pauses between attempts. */
  readonly attempt: Transport['send'];
  startWaiting(
    request?: Pick<WireRequest, 'idempotencyKey' | 'signal'>,
    inDoubt?: boolean,
  ): Waiting;
}

export interface Waiting {
  /** Throws NoAnswerError if the pause would end more than `retryForMs` after the first failure. */
  pause(after: NoAnswer): Promise<void>;
}

/**
 * After an attempt of unknown outcome, the next one is made only if `lookUp` (if given) finds that
 * the request was not executed: the key of both may have expired by then.
 */
export function createRetrier(
  transport: Transport,
  policy: RetryPolicy,
  environment: Environment,
): Retrier {
  const { retryForMs, backoffBaseMs, backoffMaxMs } = policy;

  function startWaiting(
    { idempotencyKey, signal }: Pick<WireRequest, 'idempotencyKey' | 'signal'> = {},
    inDoubt = false,
  ): Waiting {
    let attempts = 0;
    let firstFailureMs: number | undefined;
    let outcome: NoAnswer['kind'] = inDoubt ? 'unknown' : 'not-executed';
    return {
      async pause({ kind, why, retryAfterMs }) {
        if (kind === 'unknown') outcome = kind;
        firstFailureMs ??= environment.monotonicMs();
        const backoffMs = Math.min(backoffBaseMs * 2 ** attempts, backoffMaxMs);
        const delayMs =
          Math.max(backoffMs / 2, retryAfterMs) + (backoffMs / 2) * environment.random();
        const triedMs = environment.monotonicMs() - firstFailureMs;
        if (triedMs + delayMs > retryForMs) {
          const seconds = Math.round(triedMs / 1_000);
          const message = `gave up after ${seconds} s without an answer (${why})`;
          throw new NoAnswerError(message, outcome, idempotencyKey);
        }
        attempts += 1;
        await environment.sleep(delayMs, signal);
      },
    };
  }

  /** Rejects with UnexpectedAnswerError if the success of a write is none of this service. */
  async function attempt(request: WireRequest): Promise<Reply> {
    const reply = await transport.send(request);
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (reply.kind !== 'ok' || isRead || isWritten(reply.body)) return reply;
    throw new UnexpectedAnswerError('the service answered a write with something else');
  }

  return {
    attempt,
    startWaiting,
    async ask(request, { inDoubt = false, lookUp } = {}) {
      const waiting = startWaiting(request, inDoubt);
      let doubtful = inDoubt;
      for (;;) {
        if (doubtful) {
          const found = await unknownUnder(request.idempotencyKey, lookUp?.());
          if (found !== undefined) return { kind: 'found', found };
        }
        const sent = attempt(request);
        const reply = await (doubtful ? unknownUnder(request.idempotencyKey, sent) : sent);
        if (reply.kind === 'ok') return reply;
        if (reply.kind === 'refused') throw new InventoryProblem(reply.problem);
        if (reply.kind === 'unknown') doubtful = true;
        await waiting.pause(reply);
      }
    },
  };
}

/** Every answer to a write has the sequence of its event; that to operations on their own, results. */
function isWritten(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false;
  const { sequence, results } = body as { sequence?: unknown; results?: unknown };
  return typeof sequence === 'number' || Array.isArray(results);
}
