import { afterEach, expect, it } from 'vitest';
import { reportProof } from '../support/proof-figures.js';
import {
  type SeededRandom,
  chosenSeed,
  createSeededRandom,
  proofScale,
} from '../support/seeded-random.js';
import { cleanUp } from '../support/spawned-server.js';
import { POINTS_AT_START, POINTS_UNDER_LOAD } from './crash-point.js';
import { CrashRounds, type Killing } from './crash-rounds.js';

/** Every so many kills a new directory is begun. */
const KILLS_EACH = 10;
const DIRECTORIES = Math.ceil(proofScale());

afterEach(cleanUp);

it(
  'nothing acknowledged is lost or doubled by kill -9, at random and at named points',
  { timeout: 300_000 * DIRECTORIES },
  async () => {
    const seed = chosenSeed();
    console.info(`kill -9: SEED=${seed}, ${DIRECTORIES * KILLS_EACH} kills`);
    const random = createSeededRandom(seed);
    const totals = { acknowledged: 0, unknown: 0, replays: 0, calls: 0 };
    for (let directory = 0; directory < DIRECTORIES; directory += 1) {
      // Anew for each: a start has something to recover only after another life.
      const points = turns(random);
      const rounds = new CrashRounds(random.fork());
      for (let kill = 0; kill < KILLS_EACH; kill += 1) await rounds.round(points.next().value);
      await rounds.end();
      expect(rounds.history.violations()).toEqual([]);
      for (const [name, count] of Object.entries(rounds.ledger.counts)) {
        totals[name as keyof typeof rounds.ledger.counts] += count;
      }
      totals.calls += rounds.history.counts.calls;
    }
    expect(totals.unknown).toBeGreaterThan(0);
    reportProof({
      ...{ promise: 'P1 P2 P3 P4 P8 P11', seed, wrong: 0 },
      fault: 'kill -9 of the real server, at random and at named points',
      runs: `${DIRECTORIES * KILLS_EACH} kills`,
      checked: `${totals.acknowledged} acknowledged, ${totals.unknown} unknown outcomes, ${totals.replays} replays, ${totals.calls} calls linearizable`,
    });
  },
);

/** By turns: at a random time, at a point under load, at one of the start that follows. */
function* turns(random: SeededRandom): Generator<Killing, never> {
  const underLoad = Object.values(POINTS_UNDER_LOAD);
  const atStart = Object.values(POINTS_AT_START);
  // The torn tail that the first of them needs.
  const torn = underLoad[0]!;
  for (let turn = random.int(100); ; turn += 1) {
    yield { afterMs: random.int(400) };
    const point = turn % atStart.length === 0 ? torn : underLoad[turn % underLoad.length]!;
    yield { under: 'load', point: { ...point, nth: 3 + random.int(100) } };
    yield { under: 'start', point: atStart[turn % atStart.length]! };
  }
}
