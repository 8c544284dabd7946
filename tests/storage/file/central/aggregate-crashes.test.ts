import { describe, expect, it } from 'vitest';
import type {
  AggregateCommit,
  AggregateRepository,
  LetterChange,
} from '../../../../src/application/central-aggregate.js';
import { createAggregateState } from '../../../../src/storage/aggregate-state.js';
import {
  centralRecord,
  deadLetter,
  step,
} from '../../../contracts/aggregate-repository-contract.js';
import { openTestAggregate } from '../../../support/aggregate-harness.js';
import {
  type SeededRandom,
  chosenSeed,
  createSeededRandom,
  proofScale,
} from '../../../support/seeded-random.js';
import { type SimulatedDisk, createSimulatedDisk } from '../../../support/simulated-disk.js';

const ROOT = '/data/inventory';
const SOURCES = ['a', 'b'];
const SKUS = ['A', 'B', 'C', 'D', 'E'];
const COMMITS = 25;
const LIVES = 5;
const RUNS = Math.round(60 * proofScale());
/** Merged all the time. */
const JOURNAL_BYTES_MIN = 600;

/** What one source has committed so far, and what may be. */
interface SourceLedger {
  readonly commits: AggregateCommit[];
  acknowledged: number;
}

describe('the central picture on a disk that crashes', () => {
  it(
    'is that of the first commits, of all that were acknowledged at least, after every crash',
    { timeout: 300_000 * Math.max(1, proofScale()) },
    async () => {
      const seed = chosenSeed();
      console.info(`central crashes: SEED=${seed}, ${RUNS} directories of ${LIVES} lives`);
      for (let run = 0; run < RUNS; run += 1) {
        try {
          await severalLives(createSeededRandom(seed + run));
        } catch (error) {
          throw new Error(`SEED=${seed + run} repeats this`, { cause: error });
        }
      }
    },
  );
});

async function severalLives(random: SeededRandom): Promise<void> {
  // The log has made the directory durable before.
  const files = new Map([[`${ROOT}/MANIFEST.json`, Buffer.alloc(0)]]);
  const disk = createSimulatedDisk(random.fork(), { files });
  const ledgers = new Map(SOURCES.map((name) => [name, { commits: [], acknowledged: 0 }]));
  for (let life = 0; life < LIVES; life += 1) {
    if (life < LIVES - 1) disk.dieAt(1 + random.int(random.chance(0.3) ? 30 : 250));
    await live(disk, ledgers, random);
    if (life === LIVES - 1) return;
    if (random.chance(0.5)) disk.losePower();
    else disk.kill();
  }
}

async function live(
  disk: SimulatedDisk,
  ledgers: Map<string, SourceLedger>,
  random: SeededRandom,
): Promise<void> {
  const mine = disk.life;
  const alive = <T>(task: Promise<T>): Promise<T | 'dead'> =>
    Promise.race([task, mine.death.then((): 'dead' => 'dead')]);
  const opened = await alive(openTestAggregate(ROOT, mine.fileSystem, JOURNAL_BYTES_MIN));
  if (opened === 'dead') return;
  const { repository, warnings, fatal } = opened;
  expect(warnings).toEqual([]);
  for (const [name, ledger] of ledgers) expectPrefix(repository, name, ledger);
  const writers = [...ledgers].map(async ([name, ledger]) => {
    for (let count = 0; count < COMMITS && !mine.over; count += 1) {
      const commit = nextCommit(name, ledger, random);
      ledger.commits.push(commit);
      await repository.commit(commit);
      ledger.acknowledged = ledger.commits.length;
      expectPrefix(repository, name, ledger);
    }
  });
  const ended = await alive(Promise.all(writers));
  if (ended !== 'dead') await alive(repository.close());
  expect([...warnings, ...fatal]).toEqual([]);
}

function nextCommit(
  name: string,
  { commits }: SourceLedger,
  random: SeededRandom,
): AggregateCommit {
  const sequence = commits.length + 1;
  const records = SKUS.filter(() => random.chance(0.4)).map((sku) =>
    centralRecord(`S${random.int(2)}/${sku}`, random.int(1_000), sequence),
  );
  const letters: LetterChange[] = [];
  if (random.chance(0.3)) {
    letters.push({ kind: 'opened', at: 0, letter: deadLetter(name, sequence, ['S0/A']) });
  }
  const open = commits.findLast((commit) => commit.letters.length > 0)?.letters.at(-1);
  if (open?.kind === 'opened' && random.chance(0.5)) {
    letters.push({ kind: 'folded', at: 0, letter: open.letter });
  }
  return step(name, sequence, { records, letters });
}

/** The source is as its first commits make it, and what is not acknowledged is there or not. */
function expectPrefix(repository: AggregateRepository, name: string, ledger: SourceLedger): void {
  const sequence = repository.progressOf(name)?.sequence ?? 0;
  expect(sequence).toBeGreaterThanOrEqual(ledger.acknowledged);
  expect(sequence).toBeLessThanOrEqual(ledger.commits.length);
  // What was not committed is not to come any more.
  ledger.commits.length = sequence;
  ledger.acknowledged = sequence;
  const state = createAggregateState();
  for (const commit of ledger.commits) state.apply(commit);
  for (const storeId of ['S0', 'S1']) {
    for (const sku of SKUS) {
      const key = { storeId, sku };
      expect(repository.record(name, key)).toEqual(state.reads.record(name, key));
    }
  }
  const all = { after: undefined, limit: 1_000 };
  const open = repository.letters(all).filter(({ source }) => source === name);
  expect(open).toEqual(state.reads.letters(all));
}
