import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The compiled service in a process of its own, on a free port. */
export interface SpawnedServer {
  readonly url: string;
  readonly pid: number;
  /** Everything that it has printed so far. */
  output(): string;
  signal(name: NodeJS.Signals): void;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

const started = new Set<ChildProcess>();
const directories = new Set<string>();

export interface SpawnOptions {
  readonly dataDir: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts it and resolves when it listens; rejects with its output when it ends before. */
export async function spawnServer(options: SpawnOptions): Promise<SpawnedServer> {
  const server = spawnProcess(options);
  for (;;) {
    const url = /"url":"(http:[^"]+)"/.exec(server.output())?.[1];
    if (url !== undefined) return { ...server, url };
    const ended = await Promise.race([server.ended, once(server.stdout, 'data').then(() => null)]);
    if (ended !== null) throw new Error(`ended with ${ended}: ${server.output()}`);
  }
}

/** Starts it where it is expected to refuse. */
export function spawnProcess({ dataDir, environment }: SpawnOptions) {
  const child = spawn(process.execPath, ['dist/main.js'], {
    env: { ...process.env, PORT: '0', DATA_DIR: dataDir, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.add(child);
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const ended = once(child, 'close').then(([code, signal]) => {
    started.delete(child);
    return (code ?? signal) as number | NodeJS.Signals;
  });
  return {
    pid: child.pid ?? 0,
    stdout: child.stdout,
    output: () => printed,
    signal: (name: NodeJS.Signals) => void child.kill(name),
    ended,
  };
}

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'inventory-test-'));
  directories.add(directory);
  return directory;
}

/** For `afterEach`: no test leaves a process or a file behind. */
export async function cleanUp(): Promise<void> {
  for (const child of started) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  }
  started.clear();
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
  directories.clear();
}
