/** A token bucket for each client: `burst` tokens at the most, `perSecond` new ones a second. */
export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

export interface Quota {
  readonly allowed: boolean;
  /** Whole tokens that are left. */
  readonly remaining: number;
  /** Until the bucket is full again, in ms. */
  readonly fullInMs: number;
  /** Until there is a token again, in ms; 0 where one was taken. */
  readonly retryAfterMs: number;
}

export interface RateLimiter {
  /** Takes a token of this client, if it has one. `nowMs` is of a clock that never goes back. */
  take(client: string, nowMs: number): Quota;
  statistics(): RateLimiterStatistics;
}

export interface RateLimiterStatistics {
  /** How many clients are known at present. */
  readonly clients: number;
  readonly allowed: number;
  readonly limited: number;
}

/** What became of asking one bucket for a token. */
export interface Taken extends Quota {
  /** When the bucket will be full again, to be kept where a token was taken. */
  readonly fullAtMs: number;
}

/**
 * The generic cell rate algorithm (ITU-T I.371): of each client one number is kept, the time at
 * which its bucket would be full. Unlike a counter per window it never lets twice the limit pass
 * around a window's edge. `known`: that number; undefined: the bucket is full.
 */
export function bucketRule({ perSecond, burst }: RateLimit) {
  const tokenMs = 1_000 / perSecond;
  const bucketMs = burst * tokenMs;
  return (known: number | undefined, nowMs: number): Taken => {
    const fullAtMs = Math.max(known ?? nowMs, nowMs) + tokenMs;
    const fullInMs = fullAtMs - nowMs;
    const spareMs = bucketMs - fullInMs;
    // Sums of fractions: a thousandth of a token more or less is none.
    if (spareMs < -tokenMs / 1_000) {
      const before = fullInMs - tokenMs;
      return { allowed: false, remaining: 0, fullInMs: before, retryAfterMs: -spareMs, fullAtMs };
    }
    const remaining = Math.max(0, Math.floor(spareMs / tokenMs + 1e-3));
    return { allowed: true, remaining, fullInMs, retryAfterMs: 0, fullAtMs };
  };
}

/** About 10 MB of memory. */
const CLIENTS_MAX = 100_000;

/**
 * The table is two generations of half its size: when the younger is full the older is forgotten.
 * Whoever is forgotten has a full bucket again; that takes as many other clients in between.
 */
export function createRateLimiter(limit: RateLimit, clientsMax = CLIENTS_MAX): RateLimiter {
  const rule = bucketRule(limit);
  let young = new Map<string, number>();
  let old = new Map<string, number>();
  let allowed = 0;
  let limited = 0;

  function remember(client: string, fullAtMs: number): void {
    young.set(client, fullAtMs);
    if (young.size < clientsMax / 2) return;
    old = young;
    young = new Map();
  }

  return {
    take(client, nowMs) {
      const taken = rule(young.get(client) ?? old.get(client), nowMs);
      if (taken.allowed) {
        allowed += 1;
        remember(client, taken.fullAtMs);
      } else limited += 1;
      return taken;
    },
    statistics: () => ({ clients: young.size + old.size, allowed, limited }),
  };
}
