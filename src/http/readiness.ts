import type { z } from 'zod';
import type { readinessSchema } from './schemas/response-schemas.js';

export type ReadinessBody = z.infer<typeof readinessSchema>;

/** What the parts of the service say of themselves at this moment. */
export interface ReadinessFacts {
  readonly takesWrites: boolean;
  /** Sources of the central view that cannot be folded at present. */
  readonly failingSources: readonly string[];
  /** Circuit breakers that are not closed. */
  readonly openBreakers: readonly string[];
  /** Whether one of them stops reads, too. */
  readonly areReadsStopped: boolean;
  /** Requests taken in and not answered yet, and how many there may be of each. */
  readonly queue: { readonly reads: number; readonly writes: number; readonly max: number };
}

/** From this share of what it may hold on a queue is a long one. */
const LONG_QUEUE_SHARE = 0.5;

/**
 * Whether requests should be sent here. What only makes it worse than it could be does not take it
 * out: where there is one node, it must go on reading.
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
