import { type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.js';

const COUNT = 40_000;
const STDIO: SpawnOptions = { stdio: ['ignore', 'pipe', 'inherit'] };

async function outputOf(command: string, ...args: string[]): Promise<string> {
  const child = spawn(command, args, STDIO);
  const [output] = await Promise.all([text(child.stdout!), once(child, 'close')]);
  return output;
}

function lineNumbers(output: string): number[] {
  const lines = output.split('\n').slice(0, -1);
  return lines.map((line) => (JSON.parse(line) as { line: number }).line);
}

const ALL = Array.from({ length: COUNT }, (_, index) => index + 1);

describe('what a log still has to say at an exit', () => {
  const logAndExit = [
    '--import',
    'tsx',
    fileURLToPath(new URL('log-and-exit.ts', import.meta.url)),
    String(COUNT),
  ];

  it('is all said to who reads it from a socket', async () => {
    expect(lineNumbers(await outputOf(process.execPath, ...logAndExit))).toEqual(ALL);
  });

  it('is all said to who reads it from a pipe', async () => {
    const piped = '"$0" "$@" | cat';
    const output = await outputOf('sh', '-c', piped, process.execPath, ...logAndExit);
    expect(lineNumbers(output)).toEqual(ALL);
  });

  it('is all in a file', async () => {
    const file = `${temporaryDirectory()}/log`;
    await outputOf('sh', '-c', `"$0" "$@" > ${file}`, process.execPath, ...logAndExit);
    expect(lineNumbers(readFileSync(file, 'utf8'))).toEqual(ALL);
  });
});

it('a log whose reader stood still for a moment is all read, where it is as fast as the log', async () => {
  const program = fileURLToPath(new URL('log-steadily.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', program], STDIO);
  const chunks: Buffer[] = [];
  let pauseMs = 300;
  child.stdout!.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    child.stdout!.pause();
    setTimeout(() => child.stdout!.resume(), pauseMs);
    pauseMs = 1;
  });
  await once(child, 'close');

  expect(lineNumbers(Buffer.concat(chunks).toString())).toHaveLength(48_000);
}, 60_000);

it('a line that found no room to its end does not spoil the one behind it', async () => {
  const file = `${temporaryDirectory()}/log`;
  const args = [
    '--import',
    'tsx',
    fileURLToPath(new URL('log-beyond-room.ts', import.meta.url)),
    file,
  ];
  await outputOf('bash', '-c', 'ulimit -S -f 8 && exec "$0" "$@"', process.execPath, ...args);

  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  const broken = lines.filter((line) => !line.endsWith('"}'));
  expect(broken).toHaveLength(1);
  const whole = lines.filter((line) => line.endsWith('"}')).join('\n');
  expect(lineNumbers(`${whole}\n`).slice(-80)).toEqual(
    Array.from({ length: 80 }, (_, index) => 41 + index),
  );
});
