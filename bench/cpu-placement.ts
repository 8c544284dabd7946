import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import type { Measured } from './process.js';

/**
 * Gives the main thread of a server one CPU, and another one to its other threads and to this
 * process: with two CPUs, the client would take from the server what it needs for itself. To be
 * called again for threads that began later. False: this machine has no `taskset` or one CPU only.
 */
export function placeApart({ pid }: Measured): boolean {
  if (availableParallelism() < 2) return false;
  try {
    for (const thread of threadsOf(pid)) place(thread, thread === String(pid) ? '0' : '1');
    for (const thread of threadsOf(process.pid)) place(thread, '1');
    return true;
  } catch {
    return false;
  }
}

/** Lets this process, and what it starts from now on, run on any CPU again. */
export function placeAnywhere(): void {
  for (const thread of threadsOf(process.pid)) place(thread, `0-${cpus().length - 1}`);
}

function threadsOf(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/task`);
}

function place(thread: string, list: string): void {
  execFileSync('taskset', ['--cpu-list', '--pid', list, thread], { stdio: 'ignore' });
}
