import { UnavailableError } from '../../../domain/errors.js';
import { type InventoryEvent, partsOf } from '../../../domain/events.js';
import type { CircuitBreaker } from '../../../resilience/circuit-breaker.js';
import type { System } from '../../../system.js';
import type { ActiveSegment } from '../log/active-segment.js';
import type { DataPaths } from '../disk/data-directory.js';
import { type FileSystem, errorCode } from '../disk/file-system.js';
import type { SharedPresence } from '../disk/presence-lock.js';
import { type WriteGuard, createWriteGuard } from '../log/write-guard.js';
import { type LogFollower, createLogFollower } from './log-follower.js';
import type { MarkFile } from './mark-file.js';
import type { OpenedShared } from './open-shared.js';
import type { TurnLock } from './turn-lock.js';
import { type TurnWriter, createTurnWriter } from './turn-writer.js';
import { type Turns, createTurns } from './turns.js';

const RETRY_MS = 1_000;

export interface SharedLogDeps {
  readonly fileSystem: FileSystem;
  readonly paths: DataPaths;
  readonly system: System;
  readonly marks: MarkFile;
  readonly lock: TurnLock;
  readonly presence: Pick<SharedPresence, 'tryAlone' | 'release'>;
  readonly assertOurs: () => void;
  /** Record time. */
  readonly now: () => number;
  readonly isRotationDue: (segment: ActiveSegment) => boolean;
  /** The file of the active segment may have been replaced since recovery. */
  readonly onOpened: () => void;
  /** Events of other processes were folded, from `first` on. */
  readonly onFollowed: (first: number) => void;
  readonly onSealed: () => void;
  /** A batch became durable, this long after it was handed to the writer. */
  readonly onCommitted: (events: readonly InventoryEvent[], durationMs: number) => void;
  readonly onWarning: (message: string) => void;
  readonly onFatal: (error: unknown) => void;
  readonly onWritable: (problem: unknown) => void;
  /** For writes to disk. */
  readonly breaker?: CircuitBreaker;
}

/** The log on disk, as one of several processes reads and writes it. */
export interface SharedLog {
  readonly guard: WriteGuard;
  readonly turns: Turns;
  /** Until this has succeeded nothing may be decided; without room it may be called again. */
  open(): Promise<void>;
  readonly isOpen: boolean;
  /** Writes a control line, if there is nothing else to write: rejects if the disk refuses it. */
  probe(): Promise<void>;
  /** The durable part of the active segment, for reads. */
  readonly active: Pick<ActiveSegment, 'name' | 'offsets' | 'bytes'>;
  /** In a turn: adds an event that becomes durable with the turn. */
  add(event: InventoryEvent): void;
  /** In a turn: seals the active segment if that is due. */
  sealIfDue(): Promise<void>;
  /** Weight of the events added and not yet being written: events, plus their parts. */
  readonly pendingWeight: number;
  /** Whether other processes have made events durable that are not published here. */
  isBehind(): boolean;
  /** Resolves when everything durable at this moment is published here. */
  catchUp(): Promise<void>;
  /** Leaves the directory; the last process to do so writes the clean mark. */
  close(): Promise<void>;
}

export function createSharedLog(deps: SharedLogDeps, opened: OpenedShared): SharedLog {
  const { system, marks, lock, presence, onWarning } = deps;
  const { state, manifests } = opened;
  const guard = createWriteGuard({ ...deps, clock: system.clock });
  let follower: LogFollower | undefined;
  let writer: TurnWriter | undefined;
  let opening: Promise<void> | undefined;
  let isOpen = false;
  let isProbing = false;
  let epoch = 0;
  let batch: InventoryEvent[] = [];
  let weight = 0;
  const turns = createTurns({
    timers: system.timers,
    random: system.random,
    lock,
    guard,
    now: () => system.clock.monotonicMs(),
    begin: async () => writer?.begin(),
    isProbing: () => isProbing,
    async commit() {
      const events = takeBatch();
      if (events.length === 0) {
        // Else a turn that writes nothing would count as proof that the disk takes writes again.
        if (isOpen && !guard.takesWrites) await writer?.boot(epoch);
        return;
      }
      const startedAtMs = system.clock.monotonicMs();
      await writer?.append(events);
      deps.onCommitted(events, system.clock.monotonicMs() - startedAtMs);
    },
    drop() {
      takeBatch();
      state.dropPending();
    },
  });

  function takeBatch(): InventoryEvent[] {
    const taken = batch;
    batch = [];
    weight = 0;
    return taken;
  }

  async function prepare(): Promise<void> {
    if (follower === undefined) {
      follower = createLogFollower({ ...deps, manifests, state }, await opened.start());
      writer = createTurnWriter({
        ...deps,
        follower,
        manifests,
        onDurable: (sequence) => state.publish(sequence),
        onCut: (bytes) =>
          onWarning(`${bytes} bytes beyond the watermark were cut: a server ended in its turn`),
      });
      deps.onOpened();
    }
  }

  async function boot(): Promise<void> {
    try {
      await turns.runTask(async () => {
        if (!opened.found.alone) await manifests.update(({ epoch }) => ({ epoch: epoch + 1 }));
        ({ epoch } = manifests.current);
        await writer?.boot(epoch);
      });
    } catch (error) {
      if (error instanceof UnavailableError || errorCode(error) === undefined) throw error;
      throw new UnavailableError('storage-unavailable', RETRY_MS, { cause: error });
    }
    isOpen = true;
  }

  /** In a turn, so that of two processes that leave at the same time one is the last. */
  async function leave(): Promise<void> {
    try {
      if (presence.tryAlone() && isOpen) await writer?.markClean();
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      onWarning(
        `the stop could not be marked as clean (the next start checks more): ${String(error)}`,
      );
    }
    // Nothing may be written from here on, not even by this turn.
    isOpen = false;
    presence.release();
  }

  /** The last turn was not granted in time: another process is frozen in its own. */
  function leaveAnyway(error: unknown): void {
    if (!(error instanceof UnavailableError)) throw error;
    presence.release();
  }

  return {
    guard,
    turns,
    open() {
      opening ??= guard
        .run(prepare)
        .then(boot)
        .finally(() => (opening = undefined));
      return opening;
    },
    get isOpen() {
      return isOpen;
    },
    async probe() {
      if (!isOpen) await this.open();
      isProbing = true;
      try {
        await turns.run(() => turns.durable);
      } finally {
        isProbing = false;
      }
    },
    get active() {
      return follower?.position ?? opened.reading;
    },
    add(event) {
      batch.push(event);
      weight += 1 + partsOf(event);
    },
    sealIfDue: async () => writer?.sealIfDue(),
    get pendingWeight() {
      return weight;
    },
    isBehind: () => follower?.isBehind() === true,
    async catchUp() {
      try {
        await follower?.catchUp();
      } catch (error) {
        if (errorCode(error) === undefined) guard.die(error);
        if (guard.dead) await new Promise<never>(() => undefined);
        throw new UnavailableError('storage-unavailable', RETRY_MS, { cause: error });
      }
    },
    async close() {
      await Promise.race([guard.death, opening?.catch(() => undefined)]);
      await Promise.race([guard.death, turns.settled()]);
      if (!guard.dead) await Promise.race([guard.death, turns.runTask(leave).catch(leaveAnyway)]);
      // `leave` was a task in the turn, which releases the lock only at its end.
      await Promise.race([guard.death, turns.settled()]);
      isOpen = false;
      await follower?.close();
      lock.close();
      marks.close();
    },
  };
}
