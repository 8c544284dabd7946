import { expect, it } from 'vitest';
import { openFileAggregateRepository } from '../../../../src/storage/file/central/file-aggregate-repository.js';
import { createNodeFileSystem } from '../../../../src/storage/file/disk/node-file-system.js';
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
  return { faulty, open, said, system };
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
