import { assert } from '../../../assert.js';
import type { InventoryEvent } from '../../../domain/events.js';
import { type ActiveSegment, appendDurably, sha256Of } from './active-segment.js';
import { BatchWriter } from './batch-writer.js';
import type { DataPaths } from '../disk/data-directory.js';
import { StorageFatalError, afterDurable } from '../disk/errors.js';
import { type FileSystem, closeQuietly, errorCode } from '../disk/file-system.js';
import { createManifestStore, type ManifestStore } from './manifest-store.js';
import { prepareForAppends } from '../recovery/prepare.js';
import { controlText } from '../format/record-format.js';
import type { Recovered } from '../recovery/recovery.js';
import { rotate } from './rotation.js';
import { timeText } from '../../../time-text.js';
import { type Watermark, openWatermark } from './watermark.js';
import { type WriteGuard, type WriteGuardDeps, createWriteGuard } from './write-guard.js';

export interface EventLogDeps extends WriteGuardDeps {
  readonly fileSystem: FileSystem;
  readonly paths: DataPaths;
  readonly now: () => number;
  /** Throws StorageFatalError if another server may have taken the directory. */
  readonly assertOurs: () => void;
  /** Whether the active segment should be sealed now. */
  readonly rotationDue: (segment: ActiveSegment) => boolean;
  /** Everything up to this sequence is durable. */
  readonly onDurable: (sequence: number) => void;
  /** The file of the active segment may have been replaced since recovery. */
  readonly onOpened: () => void;
  /** Everything durable is in sealed segments, and nothing has been written after it yet. */
  readonly onSealed: () => void;
  readonly onWarning: (message: string) => void;
}

/** The append-only log on disk: one write at a time, durable when it returns. */
export interface EventLog extends Pick<
  WriteGuard,
  'assertWritable' | 'takesWrites' | 'die' | 'death'
> {
  /**
   * Prepares the directory for appends; until that has succeeded nothing may be decided, since the
   * recovered events may not be durable yet. Rejects with UnavailableError if there is no room:
   * then it may be called again.
   */
  open(): Promise<void>;
  readonly isOpen: boolean;
  /**
   * Resolves when the events are durable; none: when a control line is, so that it is known whether
   * the disk takes writes. Rejects with UnavailableError 'storage-unavailable' if
   * none of them is in the log, durably; on any worse failure it calls onFatal and never settles.
   */
  write(events: readonly InventoryEvent[]): Promise<void>;
  readonly active: ActiveSegment | undefined;
  readonly manifests: ManifestStore;
  readonly epoch: number;
  /** Writes the clean mark, unless an error was fatal or the disk refuses it, and closes. */
  close(): Promise<void>;
}

export function createEventLog(deps: EventLogDeps, recovered: Recovered): EventLog {
  const { fileSystem, paths, now } = deps;
  const guard = createWriteGuard(deps);
  const epoch = recovered.epoch + 1;
  const manifests = createManifestStore(deps, recovered.manifest);
  const writer = new BatchWriter();
  // Released once it is prepared: it holds the whole recovered segment in memory.
  let toPrepare: Recovered | undefined = recovered;
  let active: ActiveSegment | undefined;
  let watermark: Watermark | undefined;
  let opening: Promise<void> | undefined;
  let isOpen = false;
  let durable = recovered.state.lastSequence;

  /** Makes the recovered events durable, so that they may be published, and opens the new epoch. */
  async function prepare(): Promise<void> {
    if (toPrepare !== undefined) {
      active = await prepareForAppends({ fileSystem, paths, epoch }, toPrepare, manifests);
      toPrepare = undefined;
      deps.onDurable(durable);
    }
    watermark ??= await openWatermark(fileSystem, paths.watermark, deps.onWarning);
    await appendBoot();
    deps.onOpened();
    isOpen = true;
  }

  async function appendBoot(): Promise<void> {
    const segment = await unsealedSegment();
    writer.begin(segment.lastCrc);
    const frame = { epoch, durable, previous: segment.lastCrc };
    writer.addLine(controlText('boot', frame, timeText(now())));
    await appendDurably(segment, writer.bytes, writer.lastCrc);
  }

  async function unsealedSegment(): Promise<ActiveSegment> {
    assert(active !== undefined, 'the log is not open');
    if (active.sealed || deps.rotationDue(active)) {
      active = await rotate({ fileSystem, paths, manifests, writer, now }, active, epoch);
      deps.onSealed();
    }
    return active;
  }

  async function append(events: readonly InventoryEvent[]): Promise<void> {
    assert(isOpen, 'the log is not open');
    if (events.length === 0) {
      await appendBoot();
      return;
    }
    assert(events[0]?.sequence === durable + 1, 'the batch does not follow the log');
    const segment = await unsealedSegment();
    writer.begin(segment.lastCrc);
    for (const event of events) writer.addEvent(event, { epoch, durable });
    const start = segment.bytes;
    await appendDurably(segment, writer.bytes, writer.lastCrc);
    for (const offset of writer.eventStarts) segment.offsets.push(start + offset);
    assertStillOurs();
    watermark?.raise(durable + events.length);
    durable += events.length;
  }

  /** Any failure is fatal: the batch just synced is in the log, and must not count as refused. */
  function assertStillOurs(): void {
    try {
      deps.assertOurs();
    } catch (error) {
      if (error instanceof StorageFatalError) throw error;
      throw new StorageFatalError('the locks cannot be looked at', { cause: error });
    }
  }

  async function writeCleanMark(segment: ActiveSegment): Promise<void> {
    const { name: file, bytes } = segment;
    const clean = { file, bytes, sha256: sha256Of(segment), last: durable };
    try {
      await manifests.update(() => ({ clean, durable }));
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      deps.onWarning(
        `the stop could not be marked as clean (the next start checks more): ${String(error)}`,
      );
    }
  }

  return {
    manifests,
    epoch,
    death: guard.death,
    die: (error) => guard.die(error),
    assertWritable: () => guard.assertWritable(),
    get takesWrites() {
      return guard.takesWrites;
    },
    get active() {
      return active;
    },
    get isOpen() {
      return isOpen;
    },
    open() {
      if (isOpen) return Promise.resolve();
      opening ??= guard.run(prepare).finally(() => (opening = undefined));
      return opening;
    },
    async write(events) {
      await guard.run(async () => {
        await append(events);
        afterDurable(() => deps.onDurable(durable));
      }, events.length === 0);
    },
    async close() {
      await Promise.race([guard.death, opening?.catch(() => undefined)]);
      const segment = active;
      active = undefined;
      isOpen = false;
      if (segment === undefined) return;
      try {
        if (!guard.dead) await writeCleanMark(segment);
      } finally {
        await watermark?.close();
        await closeQuietly(segment.file);
      }
    },
  };
}
