import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('a worker that a connection waits for, which another one refused and ended, is dealt that and all others', async () => {
  const program = fileURLToPath(new URL('refused-connection.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program], {
    timeout: 60_000,
  });

  const { first, later } = JSON.parse(stdout) as Record<'first' | 'later', string[]>;
  expect([...first, ...later]).toEqual(Array.from({ length: 5 }, () => 'HTTP/1.1 200'));
}, 60_000);

it('a worker that cannot be started has ended, so that another one is tried', async () => {
  const program = fileURLToPath(new URL('worker-that-cannot-start.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program], {
    timeout: 60_000,
  });

  expect(JSON.parse(stdout)).toEqual({ code: 1, signal: null });
}, 60_000);

it('a worker for which there is no memory has ended, and does not end its primary', async () => {
  const program = fileURLToPath(new URL('worker-without-memory.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program], {
    timeout: 60_000,
  });

  expect(JSON.parse(stdout)).toEqual({ code: 1, signal: null });
}, 60_000);
