import { rmSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type SpawnedServer,
  cleanUp,
  spawnServer,
  temporaryDirectory,
} from '../support/spawned-server.js';
import { createStockClient } from '../support/stock-client.js';

afterEach(cleanUp);

async function killed(server: SpawnedServer): Promise<void> {
  server.signal('SIGKILL');
  await server.ended;
}

describe('the feed of a server', () => {
  it('names its data: the same name after a crash, another one where the data is gone', async () => {
    const dataDir = temporaryDirectory();
    const nodeOf = async ({ url }: SpawnedServer) =>
      (await fetch(`${url}/api/events`, { method: 'HEAD' })).headers.get('inventory-node');

    const first = await spawnServer({ dataDir });
    const node = await nodeOf(first);
    expect((await createStockClient(first.url).adjust('S1', 'A', 1))?.status).toBe(200);
    await killed(first);
    const again = await spawnServer({ dataDir });
    expect(await nodeOf(again)).toBe(node);
    expect((await fetch(`${again.url}/api/events?after=1`)).status).toBe(200);
    await killed(again);
    rmSync(dataDir, { recursive: true });
    const other = await spawnServer({ dataDir });

    const ahead = await fetch(`${other.url}/api/events?after=1`);

    expect(node).toMatch(/^[0-9a-f-]{36}$/);
    expect(ahead.status).toBe(409);
    expect(ahead.headers.get('inventory-node')).toMatch(/^[0-9a-f-]{36}$/);
    expect(ahead.headers.get('inventory-node')).not.toBe(node);
  });
});
