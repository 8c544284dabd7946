import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { eventsOnDisk } from '../support/log-on-disk.js';
import { createHttpConnection } from '../support/http-connection.js';
import { reportProof } from '../support/proof-figures.js';
import { sendCall } from '../support/record-client.js';
import { chosenSeed, createSeededRandom, proofScale } from '../support/seeded-random.js';
import { cleanUp, spawnServer, temporaryDirectory } from '../support/spawned-server.js';
import { CrashRounds } from './crash-rounds.js';

afterEach(cleanUp);

const FAULT = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync', '-e'];
const EVERY_SYNC_FAILS = 'inject=fdatasync:error=EIO';

/** Whether syncs can be made to fail here: a raw one must, before any conclusion is drawn. */
function canFailSyncs(): boolean {
  const sync = `const fs = require('node:fs'), fd = fs.openSync(process.argv[1], 'a');
    try { fs.fdatasyncSync(fd); console.log('synced'); } catch (error) { console.log(error.code); }`;
  const file = join(temporaryDirectory(), 'file');
  try {
    const given = [...FAULT, EVERY_SYNC_FAILS, process.execPath, '-e', sync, file];
    return execFileSync('strace', given, { stdio: 'pipe' }).toString().trim() === 'EIO';
  } catch {
    return false;
  }
}

describe('a real disk whose syncs fail under load', () => {
  it('ends the server with exit code 74, and nothing acknowledged is lost', async (context) => {
    if (!canFailSyncs()) {
      console.warn('NOTICE: no sync can be made to fail here (strace is missing or not permitted)');
      context.skip();
    }
    const seed = chosenSeed();
    const runs = Math.ceil(proofScale());
    const rounds = new CrashRounds(createSeededRandom(seed));
    for (let run = 0; run < runs; run += 1) {
      await rounds.round({ strike: ({ pid }) => failSyncsOf(pid), exitCode: 74 });
    }
    await rounds.end();
    expect(rounds.history.violations()).toEqual([]);
    const { acknowledged, unknown } = rounds.ledger.counts;
    reportProof({
      promise: 'P1 P6',
      seed,
      fault: 'a failing fdatasync under the real server (strace)',
      runs: `${runs} times exit 74`,
      checked: `${acknowledged} acknowledged, ${unknown} unknown outcomes`,
      wrong: 0,
    });
  }, 300_000);
});

/** Makes every sync of this process fail from now on. */
async function failSyncsOf(pid: number): Promise<() => void> {
  await sleep(200);
  const tracer: ChildProcess = spawn('strace', [...FAULT, EVERY_SYNC_FAILS, '-p', String(pid)], {
    stdio: 'ignore',
  });
  await once(tracer, 'spawn');
  return () => void tracer.kill();
}

describe('a real file system that is full', () => {
  it('refuses writes, goes on reading, and takes writes again when there is room', async (context) => {
    const mount = join(temporaryDirectory(), 'small');
    mkdirSync(mount);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount], { stdio: 'pipe' });
    } catch {
      console.warn('NOTICE: no small file system can be mounted here');
      context.skip();
    }
    try {
      const fills = Math.round(2 * proofScale());
      const acknowledged = await fillAgainAndAgain(mount, fills);
      reportProof({
        promise: 'P5 P7',
        fault: 'a real file system (tmpfs of 1 MiB) that fills up',
        runs: `${fills} times full`,
        checked: `${acknowledged} acknowledged, reads all the while, kill -9 at the end`,
        wrong: 0,
      });
    } finally {
      // Before the directory goes that it is mounted in.
      execFileSync('umount', ['--lazy', mount]);
    }
  }, 300_000);
});

async function readiness(url: string): Promise<object> {
  const response = await fetch(`${url}/api/health/readiness`);
  const { ready, degraded } = (await response.json()) as { ready: boolean; degraded: string[] };
  return { status: response.status, ready, degraded };
}

async function fillAgainAndAgain(mount: string, fills: number): Promise<number> {
  const dataDir = join(mount, 'data');
  const server = await spawnServer({
    dataDir,
    environment: { RATE_LIMIT_RPS: '1000000', RATE_LIMIT_BURST: '1000000' },
  });
  expect(server.output()).toContain('the data directory is in memory');
  const connection = createHttpConnection(server.url);
  const ballast = join(mount, 'ballast');
  let acknowledged = 0;
  /** Whether it was taken; else it was refused as "not executed". */
  const adjust = async (): Promise<boolean> => {
    const got = await sendCall(connection, 'S1/A', { op: 'adjust', delta: 1 });
    if (got?.status === 200) acknowledged += 1;
    else expect([got?.status, got?.text]).toEqual([503, expect.stringContaining('unavailable')]);
    return got?.status === 200;
  };
  const shown = async () => {
    const got = await sendCall(connection, 'S1/A', { op: 'read' });
    return (JSON.parse(got?.text ?? '{}') as { onHand?: number }).onHand;
  };
  expect(await adjust()).toBe(true);
  for (let fill = 0; fill < fills; fill += 1) {
    const { bavail, bsize } = statfsSync(mount);
    // A little is left, so that a write comes to its end half-way.
    writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - 8_192)));
    while (await adjust());
    expect(await shown()).toBe(acknowledged);
    expect(await readiness(server.url)).toEqual({
      status: 200,
      ready: true,
      degraded: ['storage'],
    });
    rmSync(ballast);
    while (!(await adjust())) await sleep(50);
    expect(await shown()).toBe(acknowledged);
    expect(await readiness(server.url)).toEqual({ status: 200, ready: true, degraded: [] });
  }
  connection.close();
  server.signal('SIGKILL');
  await server.ended;
  expect(eventsOnDisk(dataDir)).toHaveLength(acknowledged);
  const again = await spawnServer({ dataDir });
  const last = createHttpConnection(again.url);
  const { text } = (await sendCall(last, 'S1/A', { op: 'read' })) ?? {};
  expect(JSON.parse(text ?? '{}')).toMatchObject({ onHand: acknowledged });
  last.close();
  return acknowledged;
}
