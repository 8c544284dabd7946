import * as fs from 'node:fs';
import { UnavailableError } from '../../../domain/errors.js';
import type { Leases } from '../../../resilience/leased-mutex.js';
import type { Clock, Random, Timers } from '../../../system.js';
import { timeText } from '../../../time-text.js';
import type { Contention } from './contention.js';
import { type LeaseFile, type LeaseTimes, openLeaseFile } from './lease-file.js';

/** Kept so long after its last use: a burst takes its lease once. */
const LINGER_MS = 50;
/** Kept so long at the most while another process waits for it. */
const SLICE_MS = 20;
/** How often a lease that another has is asked for again, in ms. */
const POLL_MS = 5;
/** A directory without subdirectories has two links, on file systems that count them. */
const LINKS_OF_EMPTY = 2;

export interface LeaseOptions extends LeaseTimes {
  /** How long a lease that another process has is waited for, in ms. */
  readonly waitMs: number;
  readonly ownerId: string;
}

export interface SkuLeasesDeps extends LeaseOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly contention: Contention;
  readonly onWarning: (message: string) => void;
}

/** Plain numbers that only grow. */
export interface LeaseFigures {
  acquired: number;
  /** Asked for while another process had it. */
  contended: number;
  /** Taken because it was not renewed in time. */
  stolen: number;
  /** Found to be another's while it was held. */
  lost: number;
  /** Requests turned away since it was not let go of in time. */
  timedOut: number;
  /** Could not be made: the mutex alone had to do. */
  unavailable: number;
  waitedMs: number;
}

export interface SkuLeases extends Leases {
  readonly figures: Readonly<LeaseFigures>;
  /** Gives all of them back. */
  close(): Promise<void>;
}

interface Held {
  readonly file: LeaseFile;
  readonly giveBack: () => Promise<void>;
  sinceMs: number;
  users: number;
  cancelLinger: () => void;
}

/**
 * Leases of the records that several processes write at the same time, or that another one has. A
 * lease keeps nobody from writing who must not: that is the turn's part. It lets one process go on
 * with a record for a while before the next one does.
 */
export function createSkuLeases(deps: SkuLeasesDeps): SkuLeases {
  const { directory, clock, timers, random, contention, ownerId, waitMs } = deps;
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const held = new Map<string, Held>();
  /** Not asked for before: it was just handed over, or just refused. */
  const handedOver = new Map<string, number>();
  const refusedUntil = new Map<string, number>();
  const figures: LeaseFigures = {
    ...{ acquired: 0, contended: 0, stolen: 0, lost: 0, timedOut: 0, unavailable: 0, waitedMs: 0 },
  };
  let complained = false;

  /** One question to the file system where nobody has any lease at all. */
  function anyLease(): boolean {
    if (held.size > 0) return true;
    const found = fs.statSync(directory, { throwIfNoEntry: false });
    return found !== undefined && found.nlink !== LINKS_OF_EMPTY;
  }

  function wantedKeys(keys: readonly string[]): readonly string[] {
    const isAny = anyLease();
    return keys.filter(
      (key) =>
        contention.isContended(key) ||
        (isAny && (held.has(key) || openLeaseFile(directory, key, deps).exists())),
    );
  }

  async function holdAll(keys: readonly string[]): Promise<() => void> {
    const mine: string[] = [];
    const letGo = (): void => {
      for (const key of mine) leave(key);
    };
    const deadlineMs = clock.monotonicMs() + waitMs;
    try {
      // In one order everywhere, so that two processes seldom wait for each other.
      for (const key of [...new Set(keys)].sort()) {
        if (await enter(key, deadlineMs)) mine.push(key);
      }
    } catch (error) {
      letGo();
      throw error;
    }
    return letGo;
  }

  /** False: it cannot be had, but nobody else has it either. */
  async function enter(key: string, deadlineMs: number): Promise<boolean> {
    const known = held.get(key) ?? (await take(key, deadlineMs));
    if (known === undefined) return false;
    known.cancelLinger();
    known.users += 1;
    return true;
  }

  async function take(key: string, deadlineMs: number): Promise<Held | undefined> {
    const file = openLeaseFile(directory, key, deps);
    const sinceMs = clock.monotonicMs();
    // Those who came in behind one that was refused are not to wait as long again.
    const untilMs = (refusedUntil.get(key) ?? 0) > sinceMs ? sinceMs : deadlineMs;
    let isContended = false;
    try {
      await pause((handedOver.get(key) ?? 0) - sinceMs);
      handedOver.delete(key);
      for (;;) {
        const wasStale = file.isStale(clock.wallMs());
        const giveBack = await file.tryTake(
          { owner: ownerId, since: timeText(clock.wallMs()) },
          () => lose(key),
        );
        if (giveBack !== undefined) {
          if (isContended) file.unwant();
          return taken(key, { file, giveBack, wasStale });
        }
        if (!isContended) figures.contended += 1;
        isContended = true;
        if (clock.monotonicMs() >= untilMs) break;
        file.want();
        await pause(POLL_MS * (1 + random.next()));
      }
    } catch (error) {
      figures.unavailable += 1;
      if (!complained)
        deps.onWarning(`leases cannot be made, it goes on without: ${String(error)}`);
      complained = true;
      return undefined;
    } finally {
      figures.waitedMs += clock.monotonicMs() - sinceMs;
    }
    refusedUntil.set(key, clock.monotonicMs() + waitMs);
    figures.timedOut += 1;
    throw new UnavailableError('lock-contended', deps.ttlMs);
  }

  function taken(
    key: string,
    { file, giveBack, wasStale }: Pick<Held, 'file' | 'giveBack'> & { readonly wasStale: boolean },
  ): Held {
    figures.acquired += 1;
    if (wasStale) figures.stolen += 1;
    refusedUntil.delete(key);
    const entry: Held = {
      ...{ file, giveBack, users: 0, cancelLinger: () => undefined },
      sinceMs: clock.monotonicMs(),
    };
    held.set(key, entry);
    return entry;
  }

  function lose(key: string): void {
    if (!held.delete(key)) return;
    figures.lost += 1;
    deps.onWarning(`the lease of ${key} was lost to another process; nothing depends on it`);
  }

  function leave(key: string): void {
    const entry = held.get(key);
    if (entry === undefined) return;
    entry.users -= 1;
    if (entry.users > 0) return;
    const nowMs = clock.monotonicMs();
    if (nowMs - entry.sinceMs >= SLICE_MS && entry.file.isWanted()) {
      handedOver.set(key, nowMs + 3 * POLL_MS);
      void letGo(key, entry);
    } else entry.cancelLinger = timers.after(LINGER_MS, () => void letGo(key, entry));
  }

  async function letGo(key: string, entry: Held): Promise<void> {
    if (held.get(key) === entry) held.delete(key);
    entry.cancelLinger();
    // One that is another's by now is not ours to give back.
    await entry.giveBack().catch(() => undefined);
  }

  async function pause(delayMs: number): Promise<void> {
    if (delayMs > 0) await new Promise<void>((resolve) => void timers.after(delayMs, resolve));
  }

  return {
    figures,
    hold(keys) {
      const wanted = wantedKeys(keys);
      return wanted.length === 0 ? undefined : holdAll(wanted);
    },
    async close() {
      await Promise.all([...held].map(([key, entry]) => letGo(key, entry)));
    },
  };
}
