import { assert } from '../../assert.js';
import type { InventoryEvent } from '../../domain/events.js';
import type { DataPaths } from './data-directory.js';
import { type FileSystem, readFully, readWhole } from './file-system.js';
import { KeptEvents } from './kept-events.js';
import type { SealedSegment } from './manifest.js';
import { Offsets } from './offsets.js';
import { createReadHandle } from './read-handle.js';
import { NEWLINE, isEventLine, parseLine } from './record-format.js';

/** Of how many sealed events the offsets are kept in memory: 4 bytes each. */
const OFFSETS_KEPT_MAX = 16_000_000;
/** How much of a segment one read of several events takes at the most. */
const READ_BYTES_MAX = 1024 * 1024;

/** Reads durable events by their sequence, from disk: an event that is durable never changes. */
export interface LogReader {
  event(sequence: number): Promise<InventoryEvent>;
  /** From `sequence` on, in order: up to `limit`, at least one where there is one. */
  eventsFrom(sequence: number, limit: number): Promise<readonly InventoryEvent[]>;
  /** Lets go of the file that is open; the next read opens it anew. */
  close(): Promise<void>;
}

export interface LogReaderDeps {
  readonly fileSystem: FileSystem;
  readonly paths: DataPaths;
  readonly sealed: () => readonly SealedSegment[];
  /** The durable part of the segment that is being appended to. */
  readonly active: () => {
    readonly name: string;
    readonly offsets: Offsets;
    readonly bytes: number;
  };
}

/** A segment as a reader sees it: where its events start, and where its durable bytes end. */
interface Readable {
  readonly path: string;
  readonly offsets: Offsets;
  readonly bytes: number;
}

export function createLogReader({ fileSystem, paths, sealed, active }: LogReaderDeps): LogReader {
  /** By segment, the one used last at the end; a promise, so that a scan under way is shared. */
  const kept = new Map<SealedSegment, Promise<Offsets>>();
  const handles = createReadHandle(fileSystem);
  const events = new KeptEvents();

  function offsetsOf(segment: SealedSegment): Promise<Offsets> {
    const offsets = kept.get(segment) ?? scan(segment);
    kept.delete(segment);
    kept.set(segment, offsets);
    forgetOldest();
    return offsets;
  }

  async function scan(segment: SealedSegment): Promise<Offsets> {
    try {
      return scanOffsets(await readWhole(fileSystem, pathOf(segment.file)), segment);
    } catch (error) {
      kept.delete(segment);
      throw error;
    }
  }

  function forgetOldest(): void {
    let events = 0;
    for (const { first, last } of kept.keys()) events += last - first + 1;
    for (const segment of kept.keys()) {
      if (events <= OFFSETS_KEPT_MAX || kept.size === 1) return;
      events -= segment.last - segment.first + 1;
      kept.delete(segment);
    }
  }

  async function find(sequence: number): Promise<Readable> {
    const current = active();
    if (sequence >= current.offsets.first) {
      return { path: pathOf(current.name), offsets: current.offsets, bytes: current.bytes };
    }
    const segment = sealed().find(({ first, last }) => first <= sequence && sequence <= last);
    assert(segment !== undefined, `event ${sequence} is in no segment`);
    const { file, bytes } = segment;
    return { path: pathOf(file), offsets: await offsetsOf(segment), bytes };
  }

  function pathOf(name: string): string {
    return `${paths.events}/${name}`;
  }

  async function read(from: Readable, start: number, end: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(end - start);
    const length = await handles.use(from.path, (file) => readFully(file, buffer, start));
    assert(length === buffer.length, `${from.path} is shorter than it was`);
    return buffer;
  }

  return {
    async event(sequence) {
      const known = events.get(sequence);
      if (known !== undefined) return known;
      const [event] = await this.eventsFrom(sequence, 1);
      assert(event !== undefined, `event ${sequence} is not there`);
      events.add(event);
      return event;
    },
    async eventsFrom(sequence, limit) {
      const segment = await find(sequence);
      const { offsets, bytes } = segment;
      const start = offsets.of(sequence);
      assert(start !== undefined, `event ${sequence} is not in ${segment.path}`);
      let next = sequence + 1;
      while (next - sequence < limit && (offsets.of(next) ?? Infinity) - start < READ_BYTES_MAX) {
        next += 1;
      }
      // Up to `next` and no further: what lies behind it may not be published yet.
      const wanted = { path: segment.path, first: sequence, count: next - sequence };
      return parseEvents(await read(segment, start, offsets.of(next) ?? bytes), wanted);
    },
    close: () => handles.close(),
  };
}

/** The rebuildable index of a segment: where each of its events starts. */
function scanOffsets(bytes: Buffer, { file, first, last }: SealedSegment): Offsets {
  const offsets = new Offsets(first);
  let offset = 0;
  while (offset < bytes.length) {
    if (isEventLine(bytes, offset)) offsets.push(offset);
    const end = bytes.indexOf(NEWLINE, offset);
    if (end < 0) break;
    offset = end + 1;
  }
  assert(offsets.last === last, `${file} is damaged: not every event of it can be found`);
  return offsets;
}

function parseEvents(
  bytes: Buffer,
  wanted: { readonly path: string; readonly first: number; readonly count: number },
): InventoryEvent[] {
  const { path, first, count } = wanted;
  const events: InventoryEvent[] = [];
  let offset = 0;
  while (events.length < count) {
    const end = bytes.indexOf(NEWLINE, offset);
    const line = end < 0 ? undefined : parseLine(bytes.subarray(offset, end));
    assert(line !== undefined, `${path} holds a damaged line that was good before`);
    if (line.kind === 'event') {
      const expected = first + events.length;
      assert(line.event.sequence === expected, `${path} has not event ${expected} in its place`);
      events.push(line.event);
    }
    offset = end + 1;
  }
  return events;
}
