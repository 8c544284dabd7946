import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('a worker that a connection waits for, which another one refused and ended, is dealt that and all others', async () => {
  const printed = await printedBy(new URL('refused-connection.ts', import.meta.url));

  const { first, later } = printed as Record<'first' | 'later', string[]>;
  expect([...first, ...later]).toEqual(Array.from({ length: 5 }, () => 'HTTP/1.1 200'));
}, 60_000);

it('a worker that cannot be started has ended, so that another one is tried', async () => {
  const printed = await printedBy(new URL('worker-that-cannot-start.ts', import.meta.url));

  expect(printed).toEqual({ code: 1, signal: null });
}, 60_000);

it('a worker for which there is no memory has ended, and does not end its primary', async () => {
  const printed = await printedBy(new URL('worker-without-memory.ts', import.meta.url));

  expect(printed).toEqual({ code: 1, signal: null });
}, 60_000);

/** The JSON that a program beside this file prints. */
async function printedBy(program: URL): Promise<unknown> {
  const args = ['--import', 'tsx', fileURLToPath(program)];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    timeout: 60_000,
  });
  return JSON.parse(stdout);
}
