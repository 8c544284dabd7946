import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { atExit } from './at-exit.js';
import { progress } from './progress.js';
import { freshDirectory } from './run-directory.js';

/** What is put into a data directory, in its order. */
export type Step =
  /** Every one with stock, a thousand an event. */
  | { readonly kind: 'records'; readonly count: number }
  | {
      readonly kind: 'adjusts' | 'reserves';
      readonly count: number;
      /** How many records there are to spread them over. */
      readonly records: number;
      /** Each answers an idempotency key, which is kept for an hour. */
      readonly keyed: boolean;
      /** Snapshots are made along the way, as often as the service would; else none. */
      readonly snapshots?: boolean;
    }
  | { readonly kind: 'snapshot' };

/** A data directory as the real storage driver writes it. */
export async function makeDirectory(name: string, steps: readonly Step[]): Promise<string> {
  const directory = freshDirectory(name);
  await continueDirectory(directory, steps);
  return directory;
}

export async function continueDirectory(directory: string, steps: readonly Step[]): Promise<void> {
  progress(`making data: ${steps.map(nameOf).join(', ')}`);
  const args = ['--import', 'tsx', 'bench/make-directory.ts', directory, JSON.stringify(steps)];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  child.once(
    'exit',
    atExit(() => child.kill('SIGKILL')),
  );
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`make-directory.ts ended with ${String(code)}`);
}

function nameOf(step: Step): string {
  return step.kind === 'snapshot' ? 'a snapshot' : `${step.count} ${step.kind}`;
}

/** Of the directories of events. */
export const HISTORY_RECORDS = 1_000;
const shared = new Map<string, Promise<string>>();

/** So many records, all of them in a snapshot; the same directory for all parts of a run. */
export function directoryOfRecords(count: number): Promise<string> {
  return sharedDirectory(`records-${count}`, [{ kind: 'records', count }, { kind: 'snapshot' }]);
}

/** So many events of a thousand records, with snapshots; the same directory for all parts of a run. */
export function directoryOfEvents(count: number): Promise<string> {
  const records = HISTORY_RECORDS;
  return sharedDirectory(`events-${count}`, [
    { kind: 'records', count: records },
    { kind: 'adjusts', count, records, keyed: false, snapshots: true },
  ]);
}

function sharedDirectory(name: string, steps: readonly Step[]): Promise<string> {
  const made = shared.get(name) ?? makeDirectory(name, steps);
  shared.set(name, made);
  return made;
}

/** All files in it, in bytes. */
export function sizeOfDirectory(directory: string): number {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true });
  return files
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}
