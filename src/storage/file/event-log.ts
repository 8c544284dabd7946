import { assert } from '../../assert.js';
import { UnavailableError } from '../../domain/errors.js';
import type { InventoryEvent } from '../../domain/events.js';
import type { Clock } from '../../system.js';
import { type ActiveSegment, appendDurably, sha256Of } from './active-segment.js';
import { BatchWriter } from './batch-writer.js';
import type { DataPaths } from './data-directory.js';
import { StorageFatalError } from './errors.js';
import { type FileSystem, errorCode } from './file-system.js';
import { createManifestStore, type ManifestStore } from './manifest-store.js';
import { prepareForAppends } from './prepare.js';
import { controlText } from './record-format.js';
import type { Recovered } from './recovery.js';
import { rotate } from './rotation.js';
import { timeText } from './time-text.js';

/** After a write that found no room, the next one is tried this much later at the earliest. */
const RETRY_AFTER_MS = 1_000;

export interface EventLogDeps {
  readonly fileSystem: FileSystem;
  readonly paths: DataPaths;
  readonly clock: Clock;
  readonly now: () => number;
  /** Whether the active segment should be sealed now. */
  readonly rotationDue: (segment: ActiveSegment, manifests: ManifestStore) => boolean;
  /** Everything up to this sequence is durable. */
  readonly onDurable: (sequence: number) => void;
  readonly onSealed: () => void;
  /** The process must end: nothing may be acknowledged any more. */
  readonly onFatal: (error: unknown) => void;
  /** Writes are refused from now on (an error), or taken again (undefined). */
  readonly onWritable: (problem: unknown) => void;
}

/** The append-only log on disk: one write at a time, durable when it returns. */
export interface EventLog {
  /** Makes the directory writable, as far as there is room; called once, before `write`. */
  open(): Promise<void>;
  /**
   * Resolves when the events are durable. Rejects with UnavailableError 'storage-unavailable' when
   * none of them is in the log, durably; on anything worse it calls onFatal and never settles.
   */
  write(events: readonly InventoryEvent[]): Promise<void>;
  /** Throws UnavailableError while a write would be pointless. */
  assertWritable(): void;
  readonly active: ActiveSegment | undefined;
  readonly manifests: ManifestStore;
  readonly epoch: number;
  /** Writes the clean mark, if the log is in order, and closes. */
  close(): Promise<void>;
}

export function createEventLog(deps: EventLogDeps, recovered: Recovered): EventLog {
  const { fileSystem, paths, clock, now } = deps;
  const epoch = recovered.epoch + 1;
  const manifests = createManifestStore(fileSystem, paths.root, recovered.manifest);
  const writer = new BatchWriter();
  // Let go of once it is prepared: it holds the whole recovered segment.
  let toPrepare: Recovered | undefined = recovered;
  let active: ActiveSegment | undefined;
  let booted = false;
  let durable = recovered.state.lastSequence;
  let retryAt = 0;
  let refusing = false;
  let fatal = false;

  async function writeBoot(segment: ActiveSegment): Promise<void> {
    writer.begin(segment.lastCrc);
    const frame = { epoch, durable, previous: segment.lastCrc };
    writer.addLine(controlText('boot', frame, timeText(now())));
    await appendDurably(segment, writer.bytes, writer.lastCrc);
    booted = true;
  }

  /** The segment to append to: prepared, not sealed, not full, with this epoch's boot record. */
  async function writableSegment(): Promise<ActiveSegment> {
    if (toPrepare !== undefined) {
      active = await prepareForAppends({ fileSystem, paths, epoch }, toPrepare, manifests);
      toPrepare = undefined;
      deps.onDurable(durable);
    }
    assert(active !== undefined, 'the log is closed');
    if (active.sealed || deps.rotationDue(active, manifests)) {
      active = await rotate({ fileSystem, paths, manifests, writer, now }, active, epoch);
      deps.onSealed();
    }
    if (!booted) await writeBoot(active);
    return active;
  }

  /** An error of the system is survivable (503); a failed sync, and any defect of ours, is not. */
  async function guarded(task: () => Promise<void>): Promise<void> {
    try {
      await task();
      if (refusing) deps.onWritable(undefined);
      refusing = false;
    } catch (error) {
      if (error instanceof StorageFatalError || errorCode(error) === undefined) {
        fatal = true;
        deps.onFatal(error);
        return await new Promise(() => undefined);
      }
      if (!refusing) deps.onWritable(error);
      refusing = true;
      retryAt = clock.monotonicMs() + RETRY_AFTER_MS;
      throw new UnavailableError('storage-unavailable', RETRY_AFTER_MS, { cause: error });
    }
  }

  return {
    manifests,
    epoch,
    get active() {
      return active;
    },
    async open() {
      await guarded(async () => void (await writableSegment())).catch(() => undefined);
    },
    assertWritable() {
      if (refusing && clock.monotonicMs() < retryAt) {
        throw new UnavailableError('storage-unavailable', RETRY_AFTER_MS);
      }
    },
    write: (events) =>
      guarded(async () => {
        const segment = await writableSegment();
        writer.begin(segment.lastCrc);
        for (const event of events) writer.addEvent(event, { epoch, durable });
        const start = segment.bytes;
        await appendDurably(segment, writer.bytes, writer.lastCrc);
        for (const offset of writer.eventStarts) segment.offsets.push(start + offset);
        durable += events.length;
        deps.onDurable(durable);
      }),
    async close() {
      if (active === undefined || fatal) return;
      const { name: file, bytes } = active;
      const clean = { file, bytes, sha256: sha256Of(active), last: durable };
      await manifests.update(() => ({ clean, durable }));
      await active.file.close();
      active = undefined;
    },
  };
}
