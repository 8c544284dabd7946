import { afterEach, expect, it } from 'vitest';
import { reportProof } from '../support/proof-figures.js';
import {
  type SeededRandom,
  chosenSeed,
  createSeededRandom,
  proofScale,
} from '../support/seeded-random.js';
import { cleanUp } from '../support/spawned-server.js';
import {
  POINTS_AT_START,
  POINTS_OF_ROTATION,
  POINTS_OF_SNAPSHOTS,
  POINTS_UNDER_LOAD,
} from './crash-point.js';
import { CrashRounds, type Environment, type Killing } from './crash-rounds.js';

/** Every so many kills a new directory is begun. */
const KILLS_EACH = 10;
/** The last kill of each: whatever the others left, the server that lives begins from a snapshot. */
const SNAPSHOT_IN_USE = {
  ...POINTS_OF_SNAPSHOTS[
    'the manifest that names a snapshot is in place, its directory not synced'
  ]!,
  nth: 1,
};
const DIRECTORIES = Math.ceil(proofScale());
/** So that segments are sealed, and snapshots made, many times in each life. */
const OFTEN = { SNAPSHOT_EVERY_N_EVENTS: '10', SNAPSHOT_LOG_BYTES_MIN: '4096' };

afterEach(cleanUp);

it(
  'nothing acknowledged is lost or doubled by kill -9, at random and at named points',
  { timeout: 300_000 * DIRECTORIES },
  async () => {
    const seed = chosenSeed();
    console.info(`kill -9: SEED=${seed}, ${DIRECTORIES * (KILLS_EACH + 1)} kills`);
    const random = createSeededRandom(seed);
    const kills = turns(random);
    const totals = { acknowledged: 0, unknown: 0, replays: 0, calls: 0, fromSnapshots: 0 };
    for (let directory = 0; directory < DIRECTORIES; directory += 1) {
      const rounds = new CrashRounds(random.fork());
      for (let kill = 0; kill < KILLS_EACH; kill += 1) {
        const { killing, often } = kills.next().value;
        await rounds.round(killing, environmentOf(often, random));
      }
      await rounds.round({ under: 'load', point: SNAPSHOT_IN_USE }, OFTEN);
      await rounds.end();
      expect(rounds.history.violations()).toEqual([]);
      for (const [name, count] of Object.entries(rounds.ledger.counts)) {
        totals[name as keyof typeof rounds.ledger.counts] += count;
      }
      totals.calls += rounds.history.counts.calls;
      totals.fromSnapshots += rounds.startsFromSnapshots;
    }
    expect(totals.unknown).toBeGreaterThan(0);
    expect(totals.fromSnapshots).toBeGreaterThan(0);
    reportProof({
      promise: 'P1 P2 P3 P4 P8 P11',
      seed,
      wrong: 0,
      fault:
        'kill -9 of the real server, at random and at named points of the log, of rotation, of snapshots and of starts',
      runs: `${DIRECTORIES * (KILLS_EACH + 1)} kills, ${totals.fromSnapshots} starts from a snapshot`,
      checked: `${totals.acknowledged} acknowledged, ${totals.unknown} unknown outcomes, ${totals.replays} replays, ${totals.calls} calls linearizable`,
    });
  },
);

/** As one that has the directory alone, or as one of several; each finds what the other left. */
function environmentOf(often: boolean, random: SeededRandom): Environment {
  return { ...(often && OFTEN), ...(random.chance(0.3) && { LOCKS_ENABLED: 'true' }) };
}

/**
 * By turns: at a random time, while a segment is sealed, while a snapshot is made, while a batch is
 * written, and while what that left is recovered from. A directory's kills are whole turns.
 */
function* turns(random: SeededRandom): Generator<{ killing: Killing; often: boolean }, never> {
  const batch = Object.values(POINTS_UNDER_LOAD);
  const rotation = Object.values(POINTS_OF_ROTATION);
  const snapshots = Object.values(POINTS_OF_SNAPSHOTS);
  const atStart = Object.values(POINTS_AT_START);
  // The torn tail that the first of them needs.
  const torn = batch[0]!;
  for (let turn = random.int(10_000); ; turn += 1) {
    const of = <T>(points: readonly T[]) => points[turn % points.length]!;
    const under = 'load' as const;
    yield { killing: { afterMs: random.int(400) }, often: random.chance(0.5) };
    const sealed = { ...of(rotation), nth: 1 + random.int(3) };
    yield { killing: { under, point: sealed }, often: true };
    const snapshot = { ...of(snapshots), nth: 1 + random.int(2) };
    yield { killing: { under, point: snapshot }, often: true };
    const written = {
      ...(turn % atStart.length === 0 ? torn : of(batch)),
      nth: 3 + random.int(100),
    };
    yield { killing: { under, point: written }, often: random.chance(0.5) };
    yield { killing: { under: 'start', point: of(atStart) }, often: random.chance(0.5) };
  }
}
