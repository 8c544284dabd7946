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

  it.each([
    ['shares, where the first one does not', 'false', 'true'],
    ['does not share, where the first one does', 'true', 'false'],
  ])('is refused in one line that says how it could share: it %s', async (_how, first, second) => {
    const dataDir = temporaryDirectory();
    const holder = await spawnServer({ dataDir, environment: { LOCKS_ENABLED: first } });
    const refused = spawnProcess({ dataDir, environment: { LOCKS_ENABLED: second } });

    expect(await refused.ended).toBe(1);
    expect(refused.output()).toMatch(/^cannot start: [^\n]+LOCKS_ENABLED=true[^\n]+\n$/);
    expect(refused.output()).toContain(`pid ${holder.pid}`);
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
