import { readFileSync, readdirSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createNodeFileSystem } from '../../../../src/storage/file/disk/node-file-system.js';
import { crcText, lineEnd } from '../../../../src/storage/file/format/record-format.js';
import {
  centralRecord,
  deadLetter,
  step,
} from '../../../contracts/aggregate-repository-contract.js';
import { openTestAggregate } from '../../../support/aggregate-harness.js';
import { createFaultyFileSystem } from '../../../support/faulty-file-system.js';
import { temporaryDirectory } from '../../../support/temporary-directory.js';

const AT = Date.UTC(2026, 0, 1);
const opened = (sequence: number) =>
  ({ kind: 'opened', at: AT, letter: deadLetter('a', sequence, ['S1/A']) }) as const;

/** A directory with a base, a journal behind it, and two dead letters. */
async function filledDirectory(): Promise<string> {
  const root = temporaryDirectory();
  const { repository } = await openTestAggregate(root, createNodeFileSystem(), 1_000);
  for (let sequence = 1; sequence <= 12; sequence += 1) {
    await repository.commit(
      step('a', sequence, {
        records: [centralRecord(`S1/SKU${sequence}`, sequence)],
        letters: sequence % 6 === 0 ? [opened(sequence)] : [],
      }),
    );
    // The merge goes on by itself.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await repository.close();
  const later = await openTestAggregate(root, createNodeFileSystem());
  for (let sequence = 13; sequence <= 18; sequence += 1) {
    const letters = sequence === 18 ? [opened(sequence)] : [];
    const records = [centralRecord(`S1/SKU${sequence}`, sequence)];
    await later.repository.commit(step('a', sequence, { records, letters }));
  }
  await later.repository.close();
  expect(readdirSync(`${root}/central`).some((name) => name.startsWith('base-'))).toBe(true);
  return root;
}

function fileOf(root: string, start: string): string {
  if (!start.includes('-') || start.startsWith('dead') || start.startsWith('central')) {
    return `${root}/${start}`;
  }
  const names = readdirSync(`${root}/central`).sort();
  const name = names.findLast((each) => each.startsWith(start));
  return `${root}/central/${name}`;
}

describe('a damaged central picture', () => {
  it.each(['central-inventory.json', 'base-', 'journal-', 'dead-letters.jsonl'])(
    'is noticed, kept in quarantine and begun anew: a changed byte in %s',
    async (start) => {
      const root = await filledDirectory();
      const file = fileOf(root, start);
      const bytes = readFileSync(file);
      bytes[Math.floor(bytes.length / 3)]! ^= 1;
      writeFileSync(file, bytes);

      const { repository, warnings } = await openTestAggregate(root, createNodeFileSystem());

      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain('folded anew from its sources');
      expect([repository.recordCount(), repository.letterCount()]).toEqual([0, 0]);
      const kept = readdirSync(`${root}/quarantine`);
      expect(kept.map((name) => name.replace(/[.\d-]*(jsonl|json)?\..*$/, ''))).toEqual(
        expect.arrayContaining(['base', 'central-inventory', 'dead-letters', 'journal']),
      );
      await repository.commit(step('a', 1, { records: [centralRecord('S1/A', 1)] }));
      await repository.close();
      const again = await openTestAggregate(root, createNodeFileSystem());
      expect([again.repository.recordCount(), again.warnings]).toEqual([1, []]);
      await again.repository.close();
    },
  );

  it('is begun anew where its lines are those of another version', async () => {
    const root = temporaryDirectory();
    const first = await openTestAggregate(root, createNodeFileSystem());
    await first.repository.close();
    const records = JSON.stringify([{ storeId: 'S1', sku: 'A', onHand: 5 }]);
    const text =
      '{"source":{"name":"a","nodeId":"n","sequence":1,"at":null},' +
      `"records":${records},"letters":{"bytes":0,"crc":"00000000"},"previous":"00000000"`;
    writeFileSync(fileOf(root, 'journal-'), text + lineEnd(crcText(Buffer.from(text))));

    const { repository, warnings } = await openTestAggregate(root, createNodeFileSystem());
    expect(warnings).toEqual([expect.stringContaining('is not understood')]);
    expect(repository.recordCount()).toBe(0);
    await repository.close();
  });

  it.each(['base-', 'journal-', 'dead-letters.jsonl'])(
    'is noticed where %s is missing',
    async (start) => {
      const root = await filledDirectory();
      unlinkSync(fileOf(root, start));

      const { repository, warnings } = await openTestAggregate(root, createNodeFileSystem());

      expect(warnings).toHaveLength(1);
      expect(repository.recordCount()).toBe(0);
      await repository.close();
    },
  );

  it('loses no more than the last commit where its line is torn', async () => {
    const root = await filledDirectory();
    const journal = fileOf(root, 'journal-');
    truncateSync(journal, readFileSync(journal).length - 3);

    const { repository, warnings } = await openTestAggregate(root, createNodeFileSystem());

    expect(warnings).toEqual([]);
    expect(repository.progressOf('a')?.sequence).toBe(17);
    // The letter of event 18 counted with its commit only.
    expect(repository.letters({ after: undefined, limit: 9 }).map(({ id }) => id)).toEqual([
      'a-6',
      'a-12',
    ]);
    await repository.close();
  });
});

describe('a disk without room', () => {
  it('refuses a commit, keeps nothing of it, and takes it when there is room again', async () => {
    const root = temporaryDirectory();
    const faulty = createFaultyFileSystem(createNodeFileSystem());
    for (const room of [0, 20, 400]) {
      const { repository, fatal } = await openTestAggregate(root, faulty.fileSystem);
      await repository.commit(step('a', 1, { records: [centralRecord('S1/A', 1)] }));
      faulty.room = room;
      const commit = step('a', 2, { records: [centralRecord('S1/A', 2)], letters: [opened(2)] });
      await expect(repository.commit(commit)).rejects.toMatchObject({
        code: 'storage-unavailable',
      });
      expect(repository.progressOf('a')?.sequence).toBe(1);
      faulty.room = Infinity;
      await repository.close();
      const { repository: next } = await openTestAggregate(root, createNodeFileSystem());
      expect([next.progressOf('a')?.sequence, next.letterCount()]).toEqual([1, 0]);
      await next.close();
      expect(fatal).toEqual([]);
    }
  });

  it('goes on in the same process behind what it took back', async () => {
    const root = temporaryDirectory();
    const faulty = createFaultyFileSystem(createNodeFileSystem());
    const { repository, clock } = await openTestAggregate(root, faulty.fileSystem);
    faulty.failNext({ name: 'append', path: /journal/ }, 'ENOSPC');
    const refused = repository.commit(step('a', 1, { letters: [opened(1)] }));
    await expect(refused).rejects.toMatchObject({ code: 'storage-unavailable' });
    clock.advance(5_000);

    await repository.commit(step('a', 2, { letters: [opened(2)] }));
    await repository.close();

    const next = await openTestAggregate(root, createNodeFileSystem());
    expect(next.warnings).toEqual([]);
    expect(next.repository.letters({ after: undefined, limit: 9 })).toEqual([opened(2).letter]);
    await next.repository.close();
  });

  it('tells that the process must end when a sync fails, and acknowledges nothing more', async () => {
    const faulty = createFaultyFileSystem(createNodeFileSystem());
    const { repository, fatal } = await openTestAggregate(temporaryDirectory(), faulty.fileSystem);
    faulty.failNext({ name: 'dataSync', path: /journal/ }, 'EIO');

    const commit = repository.commit(step('a', 1));

    await expect.poll(() => fatal).toHaveLength(1);
    const settled = await Promise.race([
      commit.then(() => 'settled'),
      new Promise((resolve) => setTimeout(() => resolve('never'), 50)),
    ]);
    expect(settled).toBe('never');
    await faulty.abandon();
  });
});
