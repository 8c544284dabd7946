import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../src/cluster/worker-processes.js';
import { cleanUp, temporaryDirectory } from '../support/spawned-server.js';
import { createStockClient } from '../support/stock-client.js';

afterEach(cleanUp);

/** More than a pipe holds of lines about them. */
const REQUESTS = 2_000;

/** On a connection of its own, which a server that is just being killed may never answer. */
const asked = () => ({
  headers: { connection: 'close' },
  signal: AbortSignal.timeout(2_000),
});

/** A server whose log goes there; nobody can see in it where it listens. */
async function start(output: 'pipe' | number, environment: Record<string, string> = {}) {
  const port = await freePort('127.0.0.1');
  const env = {
    ...process.env,
    PORT: String(port),
    DATA_DIR: temporaryDirectory(),
    ...environment,
  };
  const child: ChildProcess = spawn(process.execPath, ['dist/main.js'], {
    env: { ...env, RATE_LIMIT_RPS: '1000000', RATE_LIMIT_BURST: '1000000' },
    stdio: ['ignore', output, 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const url = `http://127.0.0.1:${port}`;
  const isLive = async () => {
    const answer = await fetch(`${url}/api/health/liveness`, asked()).catch(() => undefined);
    return answer?.status === 200;
  };
  /** Undefined while what is asked for is not in them. */
  const metric = async (name: string): Promise<number | undefined> => {
    const answer = await fetch(`${url}/metrics`, asked()).catch(() => undefined);
    const lines = (await answer?.text())?.split('\n') ?? [];
    const line = lines.find((each) => each.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length));
  };
  while (!(await isLive())) {
    expect(child.exitCode).toBe(null);
    await pause(50);
  }
  return {
    child,
    isLive,
    metric,
    async ask(): Promise<void> {
      const { record } = createStockClient(url);
      for (let sent = 0; sent < REQUESTS; sent += 100) {
        const answers = Array.from({ length: 100 }, () => record('S1', 'A'));
        const statuses = (await Promise.all(answers)).map((answer) => answer?.status);
        expect(new Set(statuses)).toEqual(new Set([404]));
      }
    },
    async stop(): Promise<unknown> {
      child.kill('SIGTERM');
      const [code, signal] = await once(child, 'exit');
      return code ?? signal;
    },
  };
}

describe('a service whose log', () => {
  it('finds no room goes on, and stops when it is told to', async () => {
    const full = openSync('/dev/full', 'w');
    onTestFinished(() => closeSync(full));
    const { ask, stop } = await start(full);
    await ask();
    expect(await stop()).toBe(0);
  }, 60_000);

  it('is not read goes on, and stops when it is told to', async () => {
    const { child, ask, stop } = await start('pipe');
    (child.stdout as Readable).pause();
    await ask();
    expect(await stop()).toBe(0);
  }, 60_000);

  it('is not read replaces its workers, and stops when it is told to', async () => {
    const workers = { WORKERS: '2', LOCKS_ENABLED: 'true' };
    const { child, isLive, metric, ask, stop } = await start('pipe', workers);
    (child.stdout as Readable).pause();
    const serving = () => metric('inventory_workers');
    while ((await serving()) !== 2) await pause(50);
    await ask();

    process.kill(childOf(child.pid ?? 0), 'SIGKILL');

    while ((await metric('inventory_worker_ends_total{by="signal"}')) !== 1) await pause(20);
    while ((await serving()) !== 2) await pause(50);
    expect(await isLive()).toBe(true);
    expect(await stop()).toBe(0);
  }, 60_000);
});

/** One of its child processes (proc(5)). */
function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0]);
}
