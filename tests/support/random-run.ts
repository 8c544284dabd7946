import { chosenSeed, proofScale } from './seeded-random.js';

/**
 * How often a property is tried and from which seed, for fast-check. The seed is printed, so that
 * `SEED=… npm test …` repeats the run; PROOF_SCALE multiplies its length.
 */
export function randomRun(name: string, runs: number): { seed: number; numRuns: number } {
  const seed = chosenSeed();
  const numRuns = Math.max(1, Math.round(runs * proofScale()));
  console.info(`${name}: ${numRuns} runs, SEED=${seed}`);
  return { seed, numRuns };
}
