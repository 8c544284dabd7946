/**
 * The lease of one stock record, below `locks/`, named by a digest of its key:
 *
 *   3f1c….lock/     by proper-lockfile: its creator holds the lease, and renews its mtime
 *   3f1c….owner     names the holder, for people: {"key":"S1/A","owner":"host-71-x","since":"…"}
 *   3f1c….wanted    another process waits for the lease
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import lockfile from 'proper-lockfile';
import { errorCode } from '../disk/file-system.js';

export interface LeaseTimes {
  /** In ms: a lease not renewed for this long may be taken; proper-lockfile: at least 2,000. */
  readonly ttlMs: number;
  readonly renewMs: number;
}

export interface LeaseFile {
  /** Whether a process holds it, or has left it behind. */
  exists(): boolean;
  /** Whether it was left behind: not renewed within `ttlMs`, at this wall-clock time. */
  isStale(wallMs: number): boolean;
  /** Resolves with the function that releases it; undefined: another process holds it. */
  tryTake(owner: object, onLost: () => void): Promise<(() => Promise<void>) | undefined>;
  want(): void;
  isWanted(): boolean;
  unwant(): void;
}

export function openLeaseFile(directory: string, key: string, times: LeaseTimes): LeaseFile {
  const base = `${directory}/${createHash('sha256').update(key).digest('hex').slice(0, 32)}`;
  const [lockPath, wantedPath] = [`${base}.lock`, `${base}.wanted`];

  /** Only for people: a lease without it is valid, and must still be released. */
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
          lockfilePath: lockPath,
          realpath: false,
          retries: 0,
          stale: times.ttlMs,
          update: times.renewMs,
          onCompromised: onLost,
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
