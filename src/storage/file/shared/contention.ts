/** This many collisions, each within WINDOW_MS of the one before, make a record contended. */
const COLLISIONS_MIN = 3;
const WINDOW_MS = 1_000;
const KEYS_MAX = 1_000;

/** Tracks which records several processes write at the same time; all others need no lease. */
export interface Contention {
  /** Counts a collision: another process has changed the record since this work was requested. */
  note(key: string): void;
  isContended(key: string): boolean;
}

export function createContention(now: () => number): Contention {
  const collisions = new Map<string, { count: number; lastMs: number }>();
  return {
    note(key) {
      const nowMs = now();
      const known = collisions.get(key);
      if (known !== undefined && nowMs - known.lastMs < WINDOW_MS) {
        known.count += 1;
        known.lastMs = nowMs;
        return;
      }
      if (collisions.size >= KEYS_MAX) collisions.clear();
      collisions.set(key, { count: 1, lastMs: nowMs });
    },
    isContended(key) {
      const known = collisions.get(key);
      return (
        known !== undefined && known.count >= COLLISIONS_MIN && now() - known.lastMs < WINDOW_MS
      );
    },
  };
}
