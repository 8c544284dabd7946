import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

export interface Ended {
  /** Null: a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `npm run NAME -- …`, without npm. */
export function runCommand(...args: string[]): Promise<Ended> {
  return startCommand(...args).ended;
}

/** The same, for a test that does something to it meanwhile. */
export function startCommand(...args: string[]): {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
} {
  const child = spawn(process.execPath, ['scripts/run.mjs', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const all = [text(child.stdout), text(child.stderr), once(child, 'close')] as const;
  const ended = Promise.all(all).then(([stdout, stderr, [code]]) => {
    return { code: code as number | null, stdout, stderr };
  });
  return { child, ended };
}
