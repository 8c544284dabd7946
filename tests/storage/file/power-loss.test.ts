import { describe, expect, it } from 'vitest';
import { chosenSeed, proofScale } from '../../support/seeded-random.js';
import { type Life, type World, createWorld, live } from './simulated-lives.js';

const RUNS = Math.round(300 * proofScale());
const LIVES = 4;

describe('a disk that loses power', () => {
  it(
    'keeps all that was acknowledged, exactly once, through several lives',
    { timeout: 600_000 * Math.max(1, proofScale()) },
    async () => {
      const seed = chosenSeed();
      console.info(`power loss: SEED=${seed}, ${RUNS} directories of ${LIVES} lives each`);
      for (let run = 0; run < RUNS; run += 1) await several(seed + run);
    },
  );

  it('does the same again for the same seed', async () => {
    const [once, again] = [await several(1), await several(1)];
    expect(once.length).toBeGreaterThan(100);
    expect(again).toBe(once);
  });
});

/** One directory through several lives and its last start, all from one seed; what is left of it. */
async function several(seed: number): Promise<string> {
  const world = createWorld(seed);
  try {
    for (let number = 0; number < LIVES; number += 1) {
      await live(world, chooseLife(world));
      end(world);
    }
    await live(world, { commandsEach: 5 });
    expect(world.stoppedClean).toBe(true);
    return [...world.disk.files()].map(([path, bytes]) => `${path}\n${bytes.toString()}`).join('');
  } catch (error) {
    throw new Error(`SEED=${seed} repeats this`, { cause: error });
  }
}

function chooseLife({ random }: World): Life {
  return {
    commandsEach: 2 + random.int(20),
    ...(random.chance(0.85) && { diesAt: 1 + random.int(random.chance(0.3) ? 60 : 600) }),
    ...(random.chance(0.2) && { room: random.int(6_000) }),
    ...(random.chance(0.1) && { syncFailsAt: random.int(10) }),
  };
}

function end(world: World): void {
  const { disk, random } = world;
  disk.room = Infinity;
  if (random.chance(0.7)) disk.losePower();
  else disk.kill();
}
