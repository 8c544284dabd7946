import type { Random } from '../../system.js';
import type { ApiClient, ApiRequest, NoAnswer, Refusal } from './api-client.js';
import { ImportError } from './import-error.js';

interface PatienceDeps {
  readonly client: ApiClient;
  readonly random: Random;
  readonly sleep: (delayMs: number) => Promise<unknown>;
  readonly monotonicMs: () => number;
  /** How long one request is tried before the import gives up. */
  readonly patienceMs: number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
}

export interface Question<T> {
  readonly request: ApiRequest;
  readonly read: (body: unknown) => T;
  /** Whether it was asked before, by an import that never learned the answer. */
  readonly inDoubt?: boolean;
  /** Finds out whether it has happened; without it, to ask twice does no harm. */
  readonly lookUp?: () => Promise<T | undefined>;
}

export type Answer<T> = { readonly kind: 'ok'; readonly value: T } | Refusal;

export interface PatientClient {
  ask<T>(question: Question<T>): Promise<Answer<T>>;
  /** For what no question fits: one attempt, and the pauses between several. */
  readonly attempt: ApiClient['send'];
  startWaiting(): Waiting;
}

export interface Waiting {
  /** Throws ImportError when patience has ended. */
  pause(after: NoAnswer): Promise<void>;
}

/**
 * Asks until there is an answer. After an attempt of unknown outcome, the next one is made only
 * when a look at the service says that it has not happened: the key that goes with both may have
 * expired by then, and only covers an attempt that is still on its way.
 */
export function createPatientClient(deps: PatienceDeps): PatientClient {
  const { client, random, sleep, monotonicMs, patienceMs, backoffBaseMs, backoffMaxMs } = deps;

  function startWaiting(): Waiting {
    let attempts = 0;
    let firstFailureMs: number | undefined;
    return {
      async pause({ why, retryAfterMs }) {
        firstFailureMs ??= monotonicMs();
        const backoffMs = Math.min(backoffBaseMs * 2 ** attempts, backoffMaxMs);
        const delayMs = Math.max(backoffMs / 2, retryAfterMs) + (backoffMs / 2) * random.next();
        if (monotonicMs() + delayMs - firstFailureMs > patienceMs) {
          throw new ImportError(
            `gave up after ${Math.round(patienceMs / 1_000)} s without an answer (${why}); ` +
              'the same command goes on from here',
          );
        }
        attempts += 1;
        await sleep(delayMs);
      },
    };
  }

  return {
    attempt: (request) => client.send(request),
    startWaiting,
    async ask({ request, read, inDoubt = false, lookUp }) {
      const waiting = startWaiting();
      let doubtful = inDoubt;
      for (;;) {
        if (doubtful) {
          const found = await lookUp?.();
          if (found !== undefined) return { kind: 'ok', value: found };
        }
        const reply = await client.send(request);
        if (reply.kind === 'ok') return { kind: 'ok', value: read(reply.body) };
        if (reply.kind === 'refused') return reply;
        if (reply.kind === 'unknown') doubtful = true;
        await waiting.pause(reply);
      }
    },
  };
}
