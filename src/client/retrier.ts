import { InventoryProblem, NoAnswerError } from './errors.js';
import type { Environment } from './environment.js';
import type { Accepted, NoAnswer, Transport, WireRequest } from './transport.js';

export interface RetryPolicy {
  /** How long one question is asked before it is given up, in ms. Keys live longer (IDEMP_TTL_MS). */
  readonly retryForMs: number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
}

export interface Doubt<Found> {
  /** It was asked before, by somebody who never learned the answer. */
  readonly inDoubt?: boolean;
  /**
   * Finds out whether it has happened: asked before every attempt behind one of unknown outcome.
   * For those who ask on for longer than keys live; without it, the key alone is relied on.
   */
  readonly lookUp?: () => Promise<Found | undefined>;
}

export type Outcome<Found> = Accepted | { readonly kind: 'found'; readonly found: Found };

export interface Retrier {
  /** Asks until there is an answer. Throws InventoryProblem, and NoAnswerError in the end. */
  ask<Found = never>(request: WireRequest, doubt?: Doubt<Found>): Promise<Outcome<Found>>;
  /** For what no question fits: one attempt, and the pauses between several. */
  readonly attempt: Transport['send'];
  startWaiting(request?: Pick<WireRequest, 'idempotencyKey' | 'signal'>): Waiting;
}

export interface Waiting {
  /** Throws NoAnswerError when policy has ended. */
  pause(after: NoAnswer): Promise<void>;
}

/**
 * After an attempt of unknown outcome, the next one is made only when a look (if there is one)
 * says that it has not happened: the key that goes with both may have expired by then.
 */
export function createRetrier(
  transport: Transport,
  policy: RetryPolicy,
  environment: Environment,
): Retrier {
  const { retryForMs, backoffBaseMs, backoffMaxMs } = policy;

  function startWaiting({
    idempotencyKey,
    signal,
  }: Pick<WireRequest, 'idempotencyKey' | 'signal'> = {}): Waiting {
    let attempts = 0;
    let firstFailureMs: number | undefined;
    let outcome: NoAnswer['kind'] = 'not-executed';
    return {
      async pause({ kind, why, retryAfterMs }) {
        if (kind === 'unknown') outcome = kind;
        firstFailureMs ??= environment.monotonicMs();
        const backoffMs = Math.min(backoffBaseMs * 2 ** attempts, backoffMaxMs);
        const delayMs =
          Math.max(backoffMs / 2, retryAfterMs) + (backoffMs / 2) * environment.random();
        if (environment.monotonicMs() + delayMs - firstFailureMs > retryForMs) {
          const seconds = Math.round(retryForMs / 1_000);
          const message = `gave up after ${seconds} s without an answer (${why})`;
          throw new NoAnswerError(message, outcome, idempotencyKey);
        }
        attempts += 1;
        await environment.sleep(delayMs, signal);
      },
    };
  }

  return {
    attempt: (request) => transport.send(request),
    startWaiting,
    async ask(request, { inDoubt = false, lookUp } = {}) {
      const waiting = startWaiting(request);
      let doubtful = inDoubt;
      for (;;) {
        if (doubtful) {
          const found = await lookUp?.();
          if (found !== undefined) return { kind: 'found', found };
        }
        const reply = await transport.send(request);
        if (reply.kind === 'ok') return reply;
        if (reply.kind === 'refused') throw new InventoryProblem(reply.problem);
        if (reply.kind === 'unknown') doubtful = true;
        await waiting.pause(reply);
      }
    },
  };
}
