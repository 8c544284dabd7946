import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ObservedAnswer } from './answer-judge.js';
import { observeAnswer } from './observed-answers.js';

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
/** One of each server: a killed one leaves half a line at most, at the end of its own. */
const answersFiles = new Set<string>();

export interface SpawnOptions {
  readonly dataDir: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** A module that it imports before anything else. */
  readonly preload?: URL;
}

export class EndedBeforeListening extends Error {
  constructor(
    readonly ended: number | NodeJS.Signals,
    output: string,
  ) {
    super(`ended with ${ended}: ${output}`);
  }
}

/** Starts it and resolves when it listens; rejects with EndedBeforeListening where it ends first. */
export async function spawnServer(options: SpawnOptions): Promise<SpawnedServer> {
  const server = spawnProcess(options);
  for (;;) {
    const url = /"url":"(http:[^"]+)"/.exec(server.output())?.[1];
    if (url !== undefined) return { ...server, url };
    const ended = await Promise.race([server.ended, once(server.stdout, 'data').then(() => null)]);
    if (ended !== null) throw new EndedBeforeListening(ended, server.output());
  }
}

/** All come from one address here: the limit of a client is for tests of its own. */
const UNLIMITED = { RATE_LIMIT_RPS: '1000000', RATE_LIMIT_BURST: '1000000' };

/** Starts it where it is expected to refuse. */
export function spawnProcess({ dataDir, environment, preload }: SpawnOptions) {
  const child = spawn(process.execPath, ['dist/main.js'], {
    env: {
      ...process.env,
      ...recorded(preload),
      ...UNLIMITED,
      PORT: '0',
      DATA_DIR: dataDir,
      ...environment,
    },
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

/** What makes a server keep its answers where `cleanUp` finds them. */
function recorded(preload: URL | undefined): Record<string, string> {
  const answersFile = join(temporaryDirectory(), 'answers.jsonl');
  answersFiles.add(answersFile);
  const imported = [new URL('record-answers.mjs', import.meta.url), preload];
  const options = imported.map((module) => (module === undefined ? '' : `--import ${module.href}`));
  return {
    NODE_OPTIONS: [process.env['NODE_OPTIONS'] ?? '', ...options].join(' '),
    ANSWERS_FILE: answersFile,
  };
}

/** Hands the answers of the servers that have ended to answer-watch.ts. */
function observeRecordedAnswers(): void {
  for (const file of [...answersFiles].flatMap(filesOfProcesses)) {
    const whole = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    for (const line of whole) observeAnswer(JSON.parse(line) as ObservedAnswer);
  }
  answersFiles.clear();
}

function filesOfProcesses(answersFile: string): string[] {
  const directory = dirname(answersFile);
  return readdirSync(directory).map((name) => join(directory, name));
}

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'inventory-test-'));
  directories.add(directory);
  return directory;
}

/** For `afterEach`: no test leaves a process, a file or an undescribed answer behind. */
export async function cleanUp(): Promise<void> {
  for (const child of started) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  }
  started.clear();
  observeRecordedAnswers();
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
  directories.clear();
}
