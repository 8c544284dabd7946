import { describe, expect, it } from 'vitest';
import type { FileSystem } from '../../src/storage/file/disk/file-system.js';
import { reportProof } from '../support/proof-figures.js';
import { chosenSeed, proofScale } from '../support/seeded-random.js';
import { playSeed } from './failure-report.js';
import { tellStory } from './story.js';
import { type Played, type Sabotage, play } from './world.js';

const STORIES = Math.round(250 * proofScale());

describe('the whole service on simulated disk, clock and scheduler', () => {
  it(
    'keeps every promise through crashes, faults and clock jumps',
    { timeout: 300_000 * Math.max(1, proofScale()) },
    async () => {
      const seed = chosenSeed();
      console.info(`simulation: SEED=${seed}, ${STORIES} stories`);
      const total: Record<string, number> = {};
      for (let story = 0; story < STORIES; story += 1) addUp(total, await playSeed(seed + story));
      reportFigures(seed, total);
      // It has something to say only where all this happens.
      for (const [what, count] of Object.entries(total)) expect(count, what).toBeGreaterThan(0);
    },
  );

  it('does the same again for the same seed, to the byte and the microsecond', async () => {
    const [once, again] = [await play(tellStory(7)), await play(tellStory(7))];
    expect(once.trace.length).toBeGreaterThan(50);
    expect(again.trace).toEqual(once.trace);
    expect(again.files).toEqual(once.files);
  });
});

describe('the simulation finds a disk that', () => {
  const none = async () => undefined;

  it('says that the log is synced when it is not', async () => {
    await expectFound(withFiles((file) => ({ ...file, dataSync: none })));
  });

  it('says that names are synced when they are not', async () => {
    await expectFound((disk) => ({ ...disk, syncDirectory: none }));
  });

  it('keeps the failure of a sync to itself', async () => {
    await expectFound(
      withFiles((file) => ({ ...file, dataSync: () => file.dataSync().catch(none) })),
      9,
    );
  });

  it('takes a write for whole that was short', async () => {
    const hasty = async (file: Opened, bytes: Uint8Array) => {
      await file.append(bytes);
      return bytes.length;
    };
    await expectFound(withFiles((file) => ({ ...file, append: (bytes) => hasty(file, bytes) })));
  });
});

/** Among a few stories there is one that shows it, and it is told in few words. */
async function expectFound(sabotage: Sabotage, from = 1): Promise<void> {
  let found = '';
  for (let seed = from; seed < from + 100 && found === ''; seed += 1) {
    await playSeed(seed, sabotage).catch((error: unknown) => (found = (error as Error).message));
  }
  expect(found).toMatch(/does not hold|damaged|acknowledged/);
  expect(found).toContain('The smallest story that breaks a promise');
  expect(found.split('\n').filter((line) => /^ {2}client/.test(line)).length).toBeLessThan(12);
}

/** Only the segments: all that clients were told is in those. */
function withFiles(change: (file: Opened) => Opened): Sabotage {
  const changed = (open: (path: string) => Promise<Opened>) => async (path: string) =>
    path.includes('/events/') ? change(await open(path)) : await open(path);
  return (disk) => ({
    ...disk,
    openAppend: changed(disk.openAppend),
    create: changed(disk.create),
  });
}

type Opened = Awaited<ReturnType<FileSystem['openRead']>>;

function reportFigures(seed: number, total: Readonly<Record<string, number>>): void {
  const of = (name: string) => total[name] ?? 0;
  reportProof({
    promise: 'P1 P2 P3 P4 P6 P10 P11',
    seed,
    fault: 'simulated: kill -9, power loss, failed syncs, full disks, short writes, clock jumps',
    runs: `${of('kill')} kills, ${of('power loss')} power losses, ${of('sync error')} failed syncs, ${of('fullDisks')} full disks, ${of('clockJumps')} clock jumps`,
    checked: `${of('acknowledged')} acknowledged, ${of('reads')} reads, ${of('refusals')} refusals`,
    wrong: 0,
  });
  reportProof({
    promise: 'P4',
    seed,
    fault: 'simulated: duplicates, across crashes and restocks',
    runs: `${of('duplicates')} duplicates`,
    checked: `${of('replayed')} replays`,
    wrong: 0,
  });
  reportProof({
    promise: 'P8',
    seed,
    fault: 'simulated: any file damaged, after any crash',
    runs: `${of('refused') + of('harmless') + of('unprovable')} damages`,
    checked: `${of('refused')} refused, ${of('harmless')} harmless, ${of('unprovable')} beyond what can be told (see limits)`,
    wrong: 0,
  });
}

/** What one story has shown, added to what all have. */
function addUp(total: Record<string, number>, { figures, ledger }: Played): void {
  const { ends, damages, ...others } = figures;
  for (const part of [ends, damages, others, ledger.counts]) {
    for (const [name, count] of Object.entries(part)) total[name] = (total[name] ?? 0) + count;
  }
}
