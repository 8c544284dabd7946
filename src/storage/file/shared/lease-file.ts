/**
 * The lease of one stock record, below `locks/`, named by a digest of its key:
 *
 *   3f1c….lock/     proper-lockfile's: who made this directory has the lease, and renews its time
 *   3f1c….owner     who that is, for people: {"key":"S1/A","owner":"host-71-x","since":"…"}
 *   3f1c….wanted    another process waits for it
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import lockfile from 'proper-lockfile';
import { errorCode } from '../disk/file-system.js';

export interface LeaseTimes {
  /** Not renewed for so long it is anybody's, in ms; proper-lockfile takes 2,000 at the least. */
  readonly ttlMs: number;
  readonly renewMs: number;
}

export interface LeaseFile {
  /** Whether anybody has it, or left it behind. */
  exists(): boolean;
  /** Whether it was left behind: not renewed within its time, by the wall clock of this moment. */
  isStale(wallMs: number): boolean;
  /** Undefined: another has it. Resolves with what gives it back. */
  tryTake(owner: object, onLost: () => void): Promise<(() => Promise<void>) | undefined>;
  want(): void;
  isWanted(): boolean;
  unwant(): void;
}

export function openLeaseFile(directory: string, key: string, times: LeaseTimes): LeaseFile {
  const base = `${directory}/${createHash('sha256').update(key).digest('hex').slice(0, 32)}`;
  const [lockPath, wantedPath] = [`${base}.lock`, `${base}.wanted`];

  /** For people: without it the lease is a lease all the same, and has to be given back. */
  function note(owner: object): void {
    try {
      const text = `${JSON.stringify({ key, ...owner })}\n`;
      fs.writeFileSync(`${base}.owner`, text, { mode: 0o600 });
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
    }
  }

  return {
    exists: () => fs.existsSync(lockPath),
    isStale(wallMs) {
      const found = fs.statSync(lockPath, { throwIfNoEntry: false });
      return found !== undefined && found.mtimeMs < wallMs - times.ttlMs;
    },
    async tryTake(owner, onLost) {
      try {
        const giveBack = await lockfile.lock(base, {
          ...{ lockfilePath: lockPath, realpath: false, retries: 0 },
          ...{ stale: times.ttlMs, update: times.renewMs, onCompromised: onLost },
        });
        note(owner);
        return giveBack;
      } catch (error) {
        if (errorCode(error) === 'ELOCKED') return undefined;
        throw error;
      }
    },
    want: () => fs.writeFileSync(wantedPath, '', { mode: 0o600 }),
    isWanted: () => fs.existsSync(wantedPath),
    unwant: () => fs.rmSync(wantedPath, { force: true }),
  };
}
