import { mkdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { dataPaths } from '../../../../src/storage/file/disk/data-directory.js';
import { createNodeFileSystem } from '../../../../src/storage/file/disk/node-file-system.js';
import { openMarkFile } from '../../../../src/storage/file/shared/mark-file.js';
import { openShared } from '../../../../src/storage/file/shared/open-shared.js';
import { createSystem } from '../../../../src/system.js';
import { temporaryDirectory } from '../../../support/temporary-directory.js';

it('a shared directory is started again where there was no room for its mark', async () => {
  const root = `${temporaryDirectory()}/data`;
  mkdirSync(root);
  const real = openMarkFile(`${root}/watermark`);
  let writes = 0;
  let isShared = false;
  const opened = await openShared({
    fileSystem: createNodeFileSystem(),
    paths: dataPaths(root),
    ids: createSystem().ids,
    marks: {
      ...real,
      write(mark) {
        writes += 1;
        if (writes === 1) throw Object.assign(new Error('no room'), { code: 'ENOSPC' });
        real.write(mark);
      },
    },
    presence: { isAlone: true, share: () => (isShared = true) },
    assertOurs: () => undefined,
    onWarning: () => undefined,
  });

  await expect(opened.start()).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(isShared).toBe(false);
  const segment = await opened.start();
  expect(isShared).toBe(true);
  expect(real.read()).toMatchObject({ durable: 0, bytes: segment.bytes });
  await segment.file.close();
  real.close();
});
