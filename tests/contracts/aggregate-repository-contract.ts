import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  AggregateCommit,
  AggregateRepository,
  DeadLetter,
} from '../../src/application/central-aggregate.js';
import type { CentralRecord } from '../../src/domain/aggregate.js';

export interface AggregateHarness {
  readonly repository: AggregateRepository;
  /** The same data in a new process; rejects where a driver keeps none. */
  reopen(): Promise<AggregateRepository>;
  dispose(): Promise<void>;
}

const AT = Date.UTC(2026, 0, 1);

export function centralRecord(key: string, onHand: number, version = 1): CentralRecord {
  const [storeId = '', sku = ''] = key.split('/');
  return { storeId, sku, onHand, reserved: 0, version, gaps: [] };
}

export function step(
  name: string,
  sequence: number,
  more: Partial<AggregateCommit> = {},
): AggregateCommit {
  return {
    progress: {
      name,
      nodeId: `node-${name}`,
      sequence,
      at: AT + sequence,
      digest: `event-${sequence}`,
    },
    records: [],
    letters: [],
    ...more,
  };
}

export function deadLetter(source: string, sequence: number, keys: readonly string[]): DeadLetter {
  return {
    id: `${source}-${sequence}`,
    source,
    sequence,
    lastSequence: sequence,
    type: 'StockWeighed',
    reason: 'unknown-type',
    detail: 'events of type …',
    records: keys.map((key) => {
      const { storeId, sku } = centralRecord(key, 0);
      return { storeId, sku, version: undefined };
    }),
    attempts: 1,
    firstAttemptAt: AT,
    lastAttemptAt: AT,
    received: '{"a":"ü\\n"}',
  };
}

/** What every driver of the central picture keeps. `isDurable`: beyond its process. */
export function describeAggregateRepository(
  driver: string,
  open: () => Promise<AggregateHarness>,
  { isDurable }: { readonly isDurable: boolean },
): void {
  describe(`the central picture of the ${driver} driver`, () => {
    let harness: AggregateHarness;
    let repository: AggregateRepository;

    beforeEach(async () => {
      harness = await open();
      ({ repository } = harness);
    });
    afterEach(() => harness.dispose());

    /** As it is, and as the next process finds it. */
    async function everyProcess(look: (repository: AggregateRepository) => void): Promise<void> {
      look(repository);
      if (!isDurable) return;
      repository = await harness.reopen();
      look(repository);
    }

    it('knows nothing of a source that was never met', () => {
      expect(repository.progressOf('a')).toBeUndefined();
      expect(repository.record('a', centralRecord('S1/A', 0))).toBeUndefined();
      expect(repository.sharesOf('A')).toEqual([]);
      expect(repository.letters({ after: undefined, limit: 10 })).toEqual([]);
    });

    it('keeps records and progress of a commit together, the last of each', async () => {
      const odd: CentralRecord = { ...centralRecord('S2/A', -3, 9), reserved: 2, gaps: [[4, 6]] };
      await repository.commit(step('a', 5, { records: [centralRecord('S1/A', 1), odd] }));
      await repository.commit(step('a', 9, { records: [centralRecord('S1/A', 7, 2)] }));

      await everyProcess((now) => {
        expect(now.progressOf('a')).toEqual(step('a', 9).progress);
        expect(now.record('a', odd)).toEqual(odd);
        expect(now.record('a', centralRecord('S1/A', 0))).toEqual(centralRecord('S1/A', 7, 2));
        expect(now.recordCount()).toBe(2);
      });
    });

    it('lists every store that has an SKU, by source and store, and keeps sources apart', async () => {
      const both = { records: [centralRecord('S2/A', 2), centralRecord('S1/A', 1)] };
      await repository.commit(step('b', 1, both));
      await repository.commit(step('a', 1, { records: [centralRecord('S1/A', 5)] }));

      await everyProcess((now) => {
        const shares = now.sharesOf('A').map(({ source, record }) => {
          return `${source} ${record.storeId} ${record.onHand}`;
        });
        expect(shares).toEqual(['a S1 5', 'b S1 1', 'b S2 2']);
      });
    });

    it('takes commits of several sources at the same time', async () => {
      const names = Array.from({ length: 20 }, (_, index) => `s${index}`);

      await Promise.all(
        names.map(async (name) => {
          for (let sequence = 1; sequence <= 5; sequence += 1) {
            const records = [centralRecord('S1/A', sequence, sequence)];
            await repository.commit(step(name, sequence, { records }));
          }
        }),
      );

      await everyProcess((now) => {
        for (const name of names) {
          expect(now.progressOf(name)?.sequence).toBe(5);
          expect(now.record(name, centralRecord('S1/A', 0))?.onHand).toBe(5);
        }
      });
    });

    it('shows open letters by source and sequence, a page at a time', async () => {
      const letters = [10, 9, 100].map((sequence) => deadLetter('a', sequence, []));
      const opened = letters.map((letter) => ({ kind: 'opened', at: AT, letter }) as const);
      await repository.commit(step('a', 100, { letters: opened }));
      const other = { kind: 'opened', at: AT, letter: deadLetter('a-b', 1, []) } as const;
      await repository.commit(step('a-b', 1, { letters: [other] }));

      await everyProcess((now) => {
        const ids = (after: string | undefined, limit: number) =>
          now.letters({ after, limit }).map(({ id }) => id);
        expect(ids(undefined, 10)).toEqual(['a-9', 'a-10', 'a-100', 'a-b-1']);
        expect(ids('a-9', 2)).toEqual(['a-10', 'a-100']);
        expect(ids('a-11', 1)).toEqual(['a-100']);
        expect(now.letter('a-10')).toEqual(letters[0]);
        expect([now.letterCount(), now.letterCount('a')]).toEqual([4, 3]);
      });
    });

    it('says what an open letter makes doubtful, until it is over', async () => {
      const named = deadLetter('a', 3, ['S1/A']);
      const nameless = deadLetter('a', 4, []);
      const letters = [named, nameless].map(
        (letter) => ({ kind: 'opened', at: AT, letter }) as const,
      );
      await repository.commit(step('a', 4, { letters }));
      await everyProcess((now) => {
        expect(now.lettersAbout('a', centralRecord('S1/A', 0))).toEqual([named]);
        expect(now.lettersAbout('b', centralRecord('S1/A', 0))).toEqual([]);
        expect([now.isInDoubt('a'), now.isInDoubt('b')]).toEqual([true, false]);
      });

      const tried = { ...named, attempts: 2 };
      const note = { reason: 'the ledger is lost', requestId: 'r-1' };
      await repository.commit(
        step('a', 4, {
          letters: [
            { kind: 'tried', at: AT, letter: tried },
            { kind: 'discarded', at: AT, letter: nameless, note },
          ],
        }),
      );
      await everyProcess((now) => {
        expect(now.lettersAbout('a', centralRecord('S1/A', 0))).toEqual([tried]);
        expect(now.isInDoubt('a')).toBe(false);
      });

      await repository.commit(
        step('a', 4, { letters: [{ kind: 'folded', at: AT, letter: tried }] }),
      );
      await everyProcess((now) => {
        expect(now.lettersAbout('a', centralRecord('S1/A', 0))).toEqual([]);
        expect(now.letterCount()).toBe(0);
      });
    });

    it('forgets the sources that are not retained, their records and their letters', async () => {
      const letters = [{ kind: 'opened', at: AT, letter: deadLetter('a', 2, ['S1/A']) }] as const;
      await repository.commit(step('a', 2, { records: [centralRecord('S1/A', 1)], letters }));
      await repository.commit(step('b', 1, { records: [centralRecord('S1/A', 1)] }));

      expect(await repository.retainSources(['b', 'c'], AT)).toEqual(['a']);

      await everyProcess((now) => {
        expect(now.progressOf('a')).toBeUndefined();
        expect(now.sharesOf('A').map(({ source }) => source)).toEqual(['b']);
        expect([now.recordCount(), now.letterCount()]).toEqual([1, 0]);
      });
      await repository.commit(step('a', 1, { records: [centralRecord('S9/A', 1)] }));
      await everyProcess((now) => expect(now.progressOf('a')?.sequence).toBe(1));
    });

    it('takes nothing more once it is closed', async () => {
      await repository.close();

      await expect(repository.commit(step('a', 1))).rejects.toMatchObject({
        code: 'shutting-down',
      });
    });
  });
}
