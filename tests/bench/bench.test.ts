import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.js';

const run = promisify(execFile);
/** Some servers are started one after the other, on whatever machine. */
const TIMEOUT_MS = 300_000;

const TINY = {
  BENCH_ROUNDS: '1',
  BENCH_SECONDS: '0.1',
  BENCH_WARM_UP_SECONDS: '0.1',
  BENCH_CONNECTIONS: '4',
  BENCH_RECORDS: '100',
};

async function bench(...names: string[]): Promise<{ stdout: string; stderr: string }> {
  const env = { ...process.env, ...TINY, BENCH_DIR: temporaryDirectory() };
  return await run(process.execPath, ['--import', 'tsx', 'bench/main.ts', ...names], { env });
}

describe('npm run bench', { timeout: TIMEOUT_MS }, () => {
  it('measures what it is asked to beside the baselines, with right answers only', async () => {
    const { stdout } = await bench('reserve', 'replay');
    const rows = [...stdout.matchAll(/^\| ([^|]+?) \| [\d.,]+ \([\d.,]+–[\d.,]+\) \|/gm)];
    expect(rows.map(([, name]) => name)).toEqual([
      'raw node:http echo',
      'bare Express 5 echo',
      'Fastify echo',
      'service: reserve, fresh key',
      'service: reserve replayed, same key',
    ]);
    expect(stdout).toMatch(/^\| reserve, CPU of bare Express \| ≤ 0\.45 × \| [\d.,]+ × \|/m);
  });

  it('says what there is when it is asked for something else', async () => {
    await expect(bench('resreve')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/resreve[^]*requests latency start growth writers followers/),
    });
  });
});
