import type { z } from 'zod';
import type { readinessSchema } from './schemas/response-schemas.js';

export type ReadinessBody = z.infer<typeof readinessSchema>;

/** The state of the service's parts at this moment. */
export interface ReadinessFacts {
  readonly takesWrites: boolean;
  /** Sources of the central view that cannot be folded at present. */
  readonly failingSources: readonly string[];
  /** Circuit breakers that are not closed. */
  readonly openBreakers: readonly string[];
  /** Whether the breaker of the reads lane is open. */
  readonly areReadsStopped: boolean;
  /** Fully received requests that are not answered yet, and the maximum of each kind. */
  readonly queue: { readonly reads: number; readonly writes: number; readonly max: number };
}

/** A queue counts as long from this share of its maximum. */
const LONG_QUEUE_SHARE = 0.5;

/**
 * Whether requests should be sent here. A service that is only degraded stays ready: where there is
 * one node, it must go on answering reads.
 */
export function readinessOf(facts: ReadinessFacts, draining: boolean): ReadinessBody {
  const { takesWrites, failingSources, openBreakers, areReadsStopped, queue } = facts;
  const checks: ReadinessBody['checks'] = {
    storage: { ok: takesWrites, writes: takesWrites ? 'taken' : 'refused' },
    sync: { ok: failingSources.length === 0, failing: [...failingSources] },
    breakers: { ok: openBreakers.length === 0, open: [...openBreakers] },
    queue: { ok: Math.max(queue.reads, queue.writes) < queue.max * LONG_QUEUE_SHARE, ...queue },
  };
  const names = Object.keys(checks) as (keyof typeof checks)[];
  return {
    ready: !draining && !areReadsStopped,
    degraded: names.filter((name) => !checks[name].ok),
    checks,
  };
}
