import * as fs from 'node:fs';
import { UnavailableError } from '../../../domain/errors.js';
import type { Leases } from '../../../resilience/leased-mutex.js';
import type { Clock, Random, Timers } from '../../../system.js';
import { timeText } from '../../../time-text.js';
import type { Contention } from './contention.js';
import { type LeaseFile, type LeaseTimes, openLeaseFile } from './lease-file.js';

/** A lease is kept for this long after its last use: a burst takes it once. */
const LINGER_MS = 50;
/** A lease held for this long is released at the end of a use if another process waits for it. */
const SLICE_MS = 20;
/** Least interval between tries for a lease that another process holds, in ms; jitter is added. */
const POLL_MS = 5;
/** A directory without subdirectories has two links, on file systems that count them. */
const LINKS_OF_EMPTY = 2;

export interface LeaseOptions extends LeaseTimes {
  /** How long to wait for a lease that another process holds, in ms. */
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

/** Counters that never decrease. */
export interface LeaseFigures {
  acquired: number;
  /** Requested while another process held it. */
  contended: number;
  /** Taken because it was not renewed in time. */
  stolen: number;
  /** Found to be held by another process while it was held here. */
  lost: number;
  /** Requests refused because it was not released in time. */
  timedOut: number;
  /** Could not be made: the work went on without the lease. */
  unavailable: number;
  waitedMs: number;
}

export interface SkuLeases extends Leases {
  readonly figures: Readonly<LeaseFigures>;
  /** Releases all leases. */
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
 * Leases of records that several processes write at the same time, or that have a lease already. A
 * lease is no safeguard against wrong writes, which is what turns are for: it lets one process work
 * on a record for a while before the next one does.
 */
export function createSkuLeases(deps: SkuLeasesDeps): SkuLeases {
  const { directory, clock, timers, random, contention, ownerId, waitMs } = deps;
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const held = new Map<string, Held>();
  /**
   * Times by key, in ms: when a lease that was handed over may be requested again, and until when a
   * lease that was refused is tried only once.
   */
  const handedOver = new Map<string, number>();
  const refusedUntil = new Map<string, number>();
  const figures: LeaseFigures = {
    acquired: 0,
    contended: 0,
    stolen: 0,
    lost: 0,
    timedOut: 0,
    unavailable: 0,
    waitedMs: 0,
  };
  let complained = false;

  /** Takes one system call if no process holds any lease. */
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
      // In the same order in every process, so that two seldom wait for each other.
      for (const key of [...new Set(keys)].sort()) {
        if (await enter(key, deadlineMs)) mine.push(key);
      }
    } catch (error) {
      letGo();
      throw error;
    }
    return letGo;
  }

  /** False: leases cannot be made, and the work goes on without. */
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
    // Requests queued behind one that timed out must not wait that long again.
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
    setUntil(refusedUntil, key, clock.monotonicMs() + waitMs);
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
      file,
      giveBack,
      users: 0,
      cancelLinger: () => undefined,
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
      setUntil(handedOver, key, nowMs + 3 * POLL_MS);
      void letGo(key, entry);
    } else entry.cancelLinger = timers.after(LINGER_MS, () => void letGo(key, entry));
  }

  /** Sets the key's time, and forgets it then: many keys are never asked for again. */
  function setUntil(times: Map<string, number>, key: string, untilMs: number): void {
    times.set(key, untilMs);
    timers.after(untilMs - clock.monotonicMs(), () => {
      if (times.get(key) === untilMs) times.delete(key);
    });
  }

  async function letGo(key: string, entry: Held): Promise<void> {
    if (held.get(key) === entry) held.delete(key);
    entry.cancelLinger();
    // Fails if another process has taken it meanwhile: then there is nothing to release.
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
