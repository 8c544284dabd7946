import { afterEach, describe, expect, it } from 'vitest';
import {
  cleanUp,
  spawnProcess,
  spawnServer,
  temporaryDirectory,
} from '../support/spawned-server.js';
import { createStockClient } from '../support/stock-client.js';

describe('a second server on the same directory', () => {
  afterEach(cleanUp);

  it('refuses to start, says which pid holds it, and disturbs nothing', async () => {
    const dataDir = temporaryDirectory();
    const first = await spawnServer({ dataDir });
    const second = spawnProcess({ dataDir });

    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`pid ${first.pid}`);
    expect(second.output().trim().split('\n')).toHaveLength(1);
    const client = createStockClient(first.url);
    expect((await client.adjust('S1', 'SKU1', 5))?.status).toBe(200);
  });

  it('may start as soon as the first one is gone, however it went', async () => {
    const dataDir = temporaryDirectory();
    const first = await spawnServer({ dataDir });
    first.signal('SIGKILL');
    await first.ended;

    const second = await spawnServer({ dataDir });

    expect((await createStockClient(second.url).adjust('S1', 'SKU1', 5))?.status).toBe(200);
  });
});
