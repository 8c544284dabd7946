import { readFileSync, rmSync, symlinkSync } from 'node:fs';
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

  it('is not reached by one that was started by way of a link which leads there since', async () => {
    const [old, current] = [temporaryDirectory(), temporaryDirectory()];
    const dataDir = `${temporaryDirectory()}/link`;
    symlinkSync(old, dataDir);
    const first = await spawnServer({ dataDir });
    rmSync(dataDir);
    symlinkSync(current, dataDir);
    const second = await spawnServer({ dataDir });
    const client = createStockClient(second.url);
    expect((await client.adjust('S1', 'SKU1', 5))?.status).toBe(200);
    const manifest = readFileSync(`${current}/MANIFEST.json`, 'utf8');

    first.signal('SIGTERM');
    expect(await first.ended).toBe(0);
    expect(readFileSync(`${current}/MANIFEST.json`, 'utf8')).toBe(manifest);
    second.signal('SIGKILL');
    await second.ended;
    const third = createStockClient((await spawnServer({ dataDir })).url);
    expect((await third.record('S1', 'SKU1'))?.body).toMatchObject({ onHand: 5 });
  });
});
