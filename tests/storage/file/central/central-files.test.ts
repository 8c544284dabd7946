import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openFileAggregateRepository } from '../../../../src/storage/file/central/file-aggregate-repository.js';
import { createNodeFileSystem } from '../../../../src/storage/file/disk/node-file-system.js';
import { deadLetter, step } from '../../../contracts/aggregate-repository-contract.js';
import { openTestAggregate } from '../../../support/aggregate-harness.js';
import { createFaultyFileSystem } from '../../../support/faulty-file-system.js';
import { createSimulatedSystem } from '../../../support/simulated-system.js';
import { temporaryDirectory } from '../../../support/temporary-directory.js';

function faultyCentral() {
  const faulty = createFaultyFileSystem(createNodeFileSystem());
  const system = createSimulatedSystem();
  const root = temporaryDirectory();
  const said: string[] = [];
  const open = () =>
    openFileAggregateRepository({
      root,
      clock: system.clock,
      fileSystem: faulty.fileSystem,
      journalBytesMin: 300,
      onWarning: (message) => said.push(message),
      onFatal: (error) => said.push(String(error)),
    });
  return { faulty, open, said, system, root };
}

const RECORD = { storeId: 'S', sku: 'A', reserved: 0, gaps: [] };

it('journals that could not be begun, for want of room, are not left open', async () => {
  const { faulty, open, said, system } = faultyCentral();
  const repository = await open();
  const before = faulty.openFiles;
  faulty.failAll({ name: 'create', path: /central-inventory\.json\.new/ }, 'ENOSPC');
  for (let sequence = 1; said.length < 3; sequence += 1) {
    const progress = { name: 'a', nodeId: 'n', sequence, at: 1, digest: undefined };
    const records = [{ ...RECORD, onHand: sequence, version: sequence }];
    // After one in vain nothing is taken for a while.
    await repository.commit({ progress, records, letters: [] }).catch(() => undefined);
    system.advance(1_000);
  }
  expect(faulty.openFiles).toBe(before);
  await repository.close();
  expect(faulty.openFiles).toBe(0);
});

it.each(['openAppend', 'size', 'dataSync', 'syncDirectory'] as const)(
  'nothing is left open where %s fails while it is opened',
  async (name) => {
    const { faulty, open } = faultyCentral();
    await (await open()).close();
    for (const nth of [1, 2]) {
      faulty.failNext({ name }, 'EIO', nth);
      await expect(open()).rejects.toThrow();
      expect(faulty.openFiles).toBe(0);
      faulty.heal();
    }
  },
);

it('a base that could not be named is not left behind', async () => {
  const { faulty, open, said, system, root } = faultyCentral();
  const repository = await open();
  let sequence = 0;
  for (let merge = 0; merge < 3; merge += 1) {
    // A merge saves the manifest twice: with its new journal, and with its base.
    faulty.failNext({ name: 'create', path: /central-inventory\.json\.new/ }, 'ENOSPC', 2);
    for (let commit = 0; commit < 8; commit += 1) {
      sequence += 1;
      system.advance(2_000);
      const progress = { name: 'a', nodeId: 'n', sequence, at: 1, digest: undefined };
      const records = [{ ...RECORD, onHand: sequence, version: sequence }];
      await repository.commit({ progress, records, letters: [] }).catch(() => undefined);
      await sleep(15);
    }
    faulty.heal();
  }
  await repository.close();
  expect(said).not.toEqual([]);
  // One that is half written when the service stops has another ending; the next start removes it.
  const bases = readdirSync(`${root}/central`).filter((name) => /^base-\d+\.jsonl$/.test(name));
  expect(bases.length).toBeLessThan(2);
});

it('a commit whose sync failed leaves a view that can be read, with its letters or without', async () => {
  const root = temporaryDirectory();
  const faulty = createFaultyFileSystem(createNodeFileSystem());
  const first = await openTestAggregate(root, faulty.fileSystem);
  const letter = deadLetter('a', 1, ['S/A']);
  const opened = [{ kind: 'opened', at: 5, letter }] as const;
  await first.repository.commit(step('a', 1, { letters: [] }));
  faulty.failNext({ name: 'dataSync', path: /journal/ }, 'EIO');
  void first.repository.commit(step('a', 2, { letters: opened }));
  const failure = (): unknown => first.fatal;
  while (failure() === undefined) await sleep(10);
  // The process ends; what it has written is still in the page cache.
  await faulty.abandon();
  const next = await openTestAggregate(root, createNodeFileSystem());
  expect(next.warnings).toEqual([]);
  await next.repository.close();
});
