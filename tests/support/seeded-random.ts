/** Randomness that one number repeats: every random test prints its seed, and SEED=… runs it again. */
export interface SeededRandom {
  /** A uniform number in [0, 1). */
  next(): number;
  /** A whole number from 0 to `below - 1`. */
  int(below: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** A stream of its own: what one part draws does not shift what another one gets. */
  fork(): SeededRandom;
}

/** mulberry32: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
export function createSeededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;

  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  const int = (below: number) => Math.floor(next() * below);
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick: (items) => items[int(items.length)]!,
    fork: () => createSeededRandom(int(2 ** 32)),
  };
}

/** The seed of this run: SEED where it is set, else a fresh one. */
export function chosenSeed(): number {
  const given = process.env.SEED;
  return given === undefined || given === '' ? Math.floor(Math.random() * 2 ** 31) : Number(given);
}

/** How many times the size of CI a random test is to be: PROOF_SCALE, 1 where it is not set. */
export function proofScale(): number {
  return Number(process.env.PROOF_SCALE ?? '') || 1;
}
