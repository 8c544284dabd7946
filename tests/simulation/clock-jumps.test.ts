import { expect, it } from 'vitest';
import type { Command, ReserveStock } from '../../src/domain/commands.js';
import type { InventoryEvent } from '../../src/domain/events.js';
import { reportProof } from '../support/proof-figures.js';
import {
  type SeededRandom,
  chosenSeed,
  createSeededRandom,
  proofScale,
} from '../support/seeded-random.js';
import { type SimulatedDisk, createSimulatedDisk } from '../support/simulated-disk.js';
import { keyedRequest } from '../support/test-storage.js';
import { type SimulatedService, openSimulatedService } from './simulated-service.js';
import { type SimulatedTime, createSimulatedTime } from './simulated-time.js';

const RUNS = Math.round(20 * proofScale());
const DAY_MS = 86_400_000;
const TEN_YEARS_MS = 3_650 * DAY_MS;
/** Less than keys are kept in this service (20 s), and than the hold lasts. */
const HOLD_MS = 15_000;
const A = { storeId: 'S1', sku: 'A' };
const stock: Command = { type: 'AdjustStock', ...A, delta: 9 };
const hold: ReserveStock = {
  type: 'ReserveStock',
  reservationId: 'r1',
  ttlMs: HOLD_MS,
  lines: [{ ...A, qty: 4 }],
};

it('no jump of the clock purges a key or expires a hold before its time', async () => {
  const seed = chosenSeed();
  console.info(`clock jumps: SEED=${seed}, ${RUNS} runs`);
  let jumps = 0;
  for (let run = 0; run < RUNS; run += 1) jumps += await jumpAbout(createSeededRandom(seed + run));
  reportProof({
    promise: 'P10',
    seed,
    fault: 'clock jumps, running and between starts (simulated)',
    runs: `${RUNS} runs, ${jumps} jumps`,
    checked: `${RUNS} keys, ${RUNS} holds`,
    wrong: 0,
  });
});

/** Sets the clock about while a hold and a key live, and starts anew; how often it was set. */
async function jumpAbout(random: SeededRandom): Promise<number> {
  const time = createSimulatedTime(random.fork());
  const disk = createSimulatedDisk(random.fork(), { turnsMax: 0 });
  let running = await start(time, disk);
  await time.until(running.service.execute(stock));
  const first = await reserve(time, running);
  const born = time.clock.monotonicMs();
  let jumps = 0;
  while (time.clock.monotonicMs() - born < HOLD_MS - 2_000) {
    jumps += 1;
    time.jump(random.pick([-DAY_MS, TEN_YEARS_MS, random.int(DAY_MS) - DAY_MS / 2]));
    await time.until(time.pause(random.int(1_500)));
    expect(await reserve(time, running)).toEqual(first);
    const record = await time.until(running.queries.record(A));
    expect(record).toMatchObject({ onHand: 9, reserved: 4, version: 2 });
  }
  await time.until(time.pause(3_000));
  // Its time has come by now, whatever the wall clock says.
  expect(await time.until(running.queries.record(A))).toMatchObject({ reserved: 0, version: 3 });

  await time.until(running.stop());
  time.jump(LONG_BEFORE - time.clock.wallMs());
  running = await start(time, disk);
  expect(running.repository.now()).toBeGreaterThanOrEqual(first.at);
  expect(await reserve(time, running)).toEqual(first);
  await time.until(running.stop());
  // Time that went by while it was down is believed.
  time.jump(LONG_AFTER - time.clock.wallMs());
  running = await start(time, disk);
  expect((await reserve(time, running, 'r2')).sequence).toBeGreaterThan(first.sequence);
  await time.until(running.stop());
  return jumps + 2;
}

/** Wall clocks of long before all this, and of long after it. */
const LONG_BEFORE = Date.UTC(2001, 0, 1);
const LONG_AFTER = Date.UTC(2101, 0, 1);

async function reserve(
  time: SimulatedTime,
  { service }: SimulatedService,
  reservationId = 'r1',
): Promise<InventoryEvent> {
  const command: Command = { ...hold, reservationId };
  const outcome = await time.until(service.execute(command, keyedRequest('the-key')));
  if (outcome.kind !== 'event') throw new Error('a keyed request is answered by an event');
  return outcome.event;
}

function start(time: SimulatedTime, disk: SimulatedDisk): Promise<SimulatedService> {
  disk.kill();
  const failed = (error: unknown) => expect.fail(String(error));
  const opening = openSimulatedService({
    fileSystem: disk.life.fileSystem,
    time,
    ids: { next: () => 'id' },
    onFatal: () => failed('fatal'),
    onDefect: failed,
  });
  return time.until(opening);
}
