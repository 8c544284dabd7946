import type { InventoryEvent } from '../../../domain/events.js';
import { timeText } from '../../../time-text.js';
import { type ActiveSegment, appendDurably, cutBack, sha256Of } from '../log/active-segment.js';
import { BatchWriter } from '../log/batch-writer.js';
import type { DataPaths } from '../disk/data-directory.js';
import { StorageFatalError, afterDurable } from '../disk/errors.js';
import type { FileSystem } from '../disk/file-system.js';
import { controlText } from '../format/record-format.js';
import { rotate, seal } from '../log/rotation.js';
import type { LogFollower } from './log-follower.js';
import type { MarkFile } from './mark-file.js';
import type { SharedManifests } from './shared-manifests.js';

export interface TurnWriterDeps {
  readonly fileSystem: FileSystem;
  readonly paths: DataPaths;
  readonly now: () => number;
  readonly follower: LogFollower;
  readonly manifests: SharedManifests;
  readonly marks: MarkFile;
  /** Throws StorageFatalError if another server may have taken the directory, or the turn. */
  readonly assertOurs: () => void;
  /** Whether the active segment should be sealed now. */
  readonly isRotationDue: (segment: ActiveSegment) => boolean;
  /** Everything durable is in sealed segments, and nothing has been written after it yet. */
  readonly onSealed: () => void;
  /** Everything up to this sequence is durable, and other processes may show it from now on. */
  readonly onDurable: (sequence: number) => void;
  /** Bytes beyond the watermark were cut: a process ended, or failed, during its turn. */
  readonly onCut: (bytes: number) => void;
}

/**
 * Writes to the log. All methods are called in a turn, under append.lock: `begin` first, then any
 * of the others.
 */
export interface TurnWriter {
  /**
   * Folds the events of other processes, and cuts bytes beyond the watermark, which never counted.
   */
  begin(): Promise<void>;
  /** Opens the epoch of this process: resolves when its boot line is durable. */
  boot(epoch: number): Promise<void>;
  /** Seals the active segment if that is due; calls `onSealed` again if all events are sealed. */
  sealIfDue(): Promise<void>;
  /** Resolves when the events are durable and the watermark covers them. */
  append(events: readonly InventoryEvent[]): Promise<void>;
  /** Writes the clean mark into the manifest; only while no other process is running. */
  markClean(): Promise<void>;
}

export function createTurnWriter(deps: TurnWriterDeps): TurnWriter {
  const { fileSystem, paths, now, follower, manifests, marks } = deps;
  const writer = new BatchWriter();
  let epoch = 0;

  /** Makes the position the durable end for all processes; every byte before it has been synced. */
  function raiseMark(): void {
    const { offsets, bytes, lastCrc } = follower.position;
    try {
      deps.assertOurs();
      marks.write({ durable: offsets.last, segment: offsets.first, bytes, lastCrc });
    } catch (error) {
      if (error instanceof StorageFatalError) throw error;
      throw new StorageFatalError('the watermark could not be written', { cause: error });
    }
  }

  async function cut(): Promise<void> {
    const { position } = follower;
    const beyond = (await position.file.size()) - position.bytes;
    if (beyond === 0) return;
    if (beyond < 0) throw new StorageFatalError(`${position.name} ends before the watermark`);
    await cutBack(position);
    deps.onCut(beyond);
  }

  /**
   * The segment to append to. If its rotation is interrupted, any process's next turn continues.
   */
  async function unsealedSegment(): Promise<ActiveSegment> {
    const { position } = follower;
    if (!position.sealed && !(await rotationDueForAll(position))) return position;
    if (!position.sealed) {
      await seal({ writer, now }, position, epoch);
      raiseMark();
    }
    await manifests.reload();
    if (manifests.current.sealed.some(({ file }) => file === position.name)) {
      await follower.openNext();
    } else {
      follower.moveTo(await rotate({ fileSystem, paths, manifests, writer, now }, position, epoch));
    }
    raiseMark();
    deps.onSealed();
    return follower.position;
  }

  /** The manifest in memory may be out of date: another process may have made a snapshot. */
  async function rotationDueForAll(position: ActiveSegment): Promise<boolean> {
    if (!deps.isRotationDue(position)) return false;
    await manifests.reload();
    return deps.isRotationDue(position);
  }

  return {
    async begin() {
      deps.assertOurs();
      await follower.catchUpToTheByte();
      await cut();
    },
    async boot(own) {
      epoch = own;
      const segment = await unsealedSegment();
      writer.begin(segment.lastCrc);
      const frame = { epoch, durable: segment.offsets.last, previous: segment.lastCrc };
      writer.addLine(controlText('boot', frame, timeText(now())));
      await appendDurably(segment, writer.bytes, writer.lastCrc);
      raiseMark();
    },
    async sealIfDue() {
      const { position } = follower;
      const segment = await unsealedSegment();
      if (segment === position && segment.offsets.count === 0) deps.onSealed();
    },
    async append(events) {
      const segment = await unsealedSegment();
      const durable = segment.offsets.last;
      const start = segment.bytes;
      writer.begin(segment.lastCrc);
      for (const event of events) writer.addEvent(event, { epoch, durable });
      await appendDurably(segment, writer.bytes, writer.lastCrc);
      for (const offset of writer.eventStarts) segment.offsets.push(start + offset);
      raiseMark();
      afterDurable(() => deps.onDurable(durable + events.length));
    },
    async markClean() {
      // A process that ended during a rotation may have left the mark in a sealed segment.
      const { position } = follower;
      const segment = position.sealed ? await unsealedSegment() : position;
      const { name: file, bytes } = segment;
      const last = segment.offsets.last;
      const clean = { file, bytes, sha256: sha256Of(segment), last };
      await manifests.update(() => ({ clean, durable: last }));
    },
  };
}
