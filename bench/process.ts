import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** A server under measurement: a process of its own, so that only its CPU time is counted. */
export interface Measured {
  readonly pid: number;
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts `node script`; `findUrl` recognizes in its output where it listens. */
export async function startServer(
  script: string,
  environment: Readonly<Record<string, string>>,
  findUrl: (output: string) => string | undefined,
): Promise<Measured> {
  const child = spawn(process.execPath, [script], {
    env: { ...process.env, NODE_ENV: 'production', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await listeningUrl(child, findUrl);
  return {
    pid: child.pid ?? 0,
    url,
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

function listeningUrl(
  child: ChildProcess,
  findUrl: (output: string) => string | undefined,
): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    let found = false;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (found) return;
      output += text;
      const url = findUrl(output);
      if (url === undefined) return;
      found = true;
      resolve(url);
    });
    child.once('exit', (code) => {
      reject(new Error(`the server ended with ${String(code)} before it listened: ${output}`));
    });
  });
}

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** CPU time of all threads of a process so far, user and system, in µs (proc(5), stat). */
export function cpuMicroseconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1e6;
}
