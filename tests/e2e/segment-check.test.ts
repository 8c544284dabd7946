import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createNodeFileSystem } from '../../src/storage/file/disk/node-file-system.js';
import { createThreadSegmentChecker } from '../../src/storage/file/integrity/thread-segment-checker.js';
import { fill } from '../storage/file/data-images.js';
import { BUSY_POLICY } from '../storage/file/faulty-storage.js';
import { cleanUp, spawnServer, temporaryDirectory } from '../support/spawned-server.js';
import { createStockClient } from '../support/stock-client.js';
import { openTestStorage } from '../support/test-storage.js';

afterEach(cleanUp);

/** Sealed segments, and a snapshot that covers some of them: a start does not read those. */
async function usedDirectory(): Promise<string> {
  const root = temporaryDirectory();
  const storage = await openTestStorage({
    root,
    fileSystem: createNodeFileSystem(),
    segmentChecker: createThreadSegmentChecker(root),
    policy: BUSY_POLICY,
  });
  await fill(storage, 30);
  while (storage.said.snapshots.length === 0) await sleep(20);
  await storage.repository.close();
  return root;
}

describe('the compiled service', () => {
  it('takes no more writes once it finds damage in a segment that a snapshot covers', async () => {
    const dataDir = await usedDirectory();
    const [oldest] = readdirSync(`${dataDir}/events`).sort();
    const path = `${dataDir}/events/${oldest!}`;
    const bytes = readFileSync(path);
    bytes[300]! ^= 1;
    writeFileSync(path, bytes);
    const server = await spawnServer({ dataDir });
    const client = createStockClient(server.url);

    let number = 0;
    let answer;
    do {
      answer = await client.adjust('S9', 'A', 1, `key-${(number += 1)}`);
    } while (answer?.status === 200 && number < 1_000);
    expect(answer?.status).toBe(503);
    while (!server.output().includes(oldest!)) await sleep(20);
  });
});
