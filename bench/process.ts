import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { atExit } from './at-exit.js';

/** A server under measurement: processes of its own, so that only their CPU time is counted. */
export interface Measured {
  readonly pid: number;
  /** Other processes that work for it, besides those that it started. */
  readonly helpers?: readonly number[];
  readonly url: string;
  stop(): Promise<void>;
}

/** As `Measured`, for those who want to know how it starts and what a crash leaves. */
export interface Started extends Measured {
  /** From spawning the process until it said where it listens. */
  readonly startMs: number;
  kill(): Promise<void>;
}

/** Starts `node …command`; `findUrl` recognizes in its output where it listens. */
export async function startServer(
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
  findUrl: (output: string) => string | undefined,
): Promise<Started> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, command, {
    env: { ...process.env, NODE_ENV: 'production', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.once(
    'exit',
    atExit(() => child.kill('SIGKILL')),
  );
  const url = await listeningUrl(child, findUrl);
  const startMs = performance.now() - startedAt;
  let asked = false;
  child.once('exit', (code, signal) => {
    if (!asked) process.stderr.write(`a server ended by itself: ${String(code ?? signal)}\n`);
  });
  async function end(signal: NodeJS.Signals): Promise<void> {
    asked = true;
    child.kill(signal);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  return {
    pid: child.pid ?? 0,
    url,
    startMs,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

/** Characters of a server's log. */
const OUTPUT_KEPT = 65_536;

function listeningUrl(
  child: ChildProcess,
  findUrl: (output: string) => string | undefined,
): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    let found = false;
    // Read on, and thrown away: a server whose log nobody takes would stop logging.
    child.stdout?.on('data', (data: Buffer) => {
      output = `${output}${data.toString()}`.slice(-OUTPUT_KEPT);
      if (found) return;
      const url = findUrl(output);
      if (url === undefined) return;
      found = true;
      resolve(url);
    });
    child.once('exit', (code) => {
      // Why it ended while it was measured stands in its last lines.
      if (found && code !== 0 && code !== null) process.stderr.write(output);
      reject(new Error(`the server ended with ${String(code)} before it listened: ${output}`));
    });
  });
}

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/**
 * CPU time so far, user and system, in µs (proc(5), stat): of all threads of its processes, of those
 * that these started, and of those among them that have ended.
 */
export function cpuMicroseconds({ pid, helpers = [] }: Pick<Measured, 'pid' | 'helpers'>): number {
  const processes = runningProcesses();
  const ticksOf = (root: number): number => {
    let ticks = processes.get(root)?.ticks ?? 0;
    for (const [child, { parent }] of processes) if (parent === root) ticks += ticksOf(child);
    return ticks;
  };
  const ticks = [pid, ...helpers].reduce((sum, root) => sum + ticksOf(root), 0);
  return (ticks / TICKS_PER_SECOND) * 1e6;
}

function runningProcesses(): Map<number, { readonly parent: number; readonly ticks: number }> {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return new Map(
    pids.flatMap((pid) => {
      const stat = readIfThere(`/proc/${pid}/stat`);
      if (stat === undefined) return [];
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
      return [[pid, { parent: Number(fields[1]), ticks }] as const];
    }),
  );
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // it has ended meanwhile
  }
}

export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? NaN) * 1_024;
}

const QUIET_SHARE = 0.05;
const LOOK_EVERY_MS = 500;
const WAIT_AT_MOST_MS = 600_000;

/** Waits until the server has ended what it does of its own accord, such as checks after a start. */
export async function untilQuiet(server: Measured): Promise<void> {
  const deadline = performance.now() + WAIT_AT_MOST_MS;
  for (let before = cpuMicroseconds(server); performance.now() < deadline;) {
    await sleep(LOOK_EVERY_MS);
    const now = cpuMicroseconds(server);
    if (now - before < QUIET_SHARE * LOOK_EVERY_MS * 1_000) return;
    before = now;
  }
  throw new Error(`the server was still busy after ${WAIT_AT_MOST_MS / 1_000} s without requests`);
}
