/** A token bucket per client: at most `burst` tokens, refilled by `perSecond` tokens a second. */
export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

export interface Quota {
  readonly allowed: boolean;
  /** Whole tokens left. */
  readonly remaining: number;
  /** Time until the bucket is full again, in ms. */
  readonly fullInMs: number;
  /** Time until the next token, in ms; 0 if one was taken. */
  readonly retryAfterMs: number;
}

export interface RateLimiter {
  /** Takes a token of this client, if it has one. `nowMs` is from a monotonic clock. */
  take(client: string, nowMs: number): Quota;
  statistics(): RateLimiterStatistics;
}

export interface RateLimiterStatistics {
  /** About how many clients are known at present. */
  readonly clients: number;
  readonly allowed: number;
  readonly limited: number;
}

/** The result of taking a token from one bucket. */
export interface Taken extends Quota {
  /** When the bucket will be full again; to be stored if a token was taken. */
  readonly fullAtMs: number;
}

/**
 * The generic cell rate algorithm (ITU-T I.371): one number is stored per client, the time at which
 * its bucket will be full. Unlike a counter per window it never allows twice the limit around the
 * edge of a window. `known`: that number; undefined: the bucket is full.
 */
export function bucketRule({ perSecond, burst }: RateLimit) {
  const tokenMs = 1_000 / perSecond;
  const bucketMs = burst * tokenMs;
  return (known: number | undefined, nowMs: number): Taken => {
    const fullAtMs = Math.max(known ?? nowMs, nowMs) + tokenMs;
    const fullInMs = fullAtMs - nowMs;
    const spareMs = bucketMs - fullInMs;
    // Tolerates rounding errors: a thousandth of a token does not count.
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
 * The table has two generations of half its size each: when the younger is full, the older is
 * dropped. A dropped client has a full bucket again, which takes that many other clients first.
 */
export function createRateLimiter(limit: RateLimit, clientsMax = CLIENTS_MAX): RateLimiter {
  const rule = bucketRule(limit);
  let young = new Map<string, number>();
  let old = new Map<string, number>();
  let allowed = 0;
  let limited = 0;

  function remember(client: string, fullAtMs: number): void {
    young.set(client, fullAtMs);
    old.delete(client);
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
