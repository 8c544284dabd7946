import { assert } from '../../../assert.js';
import type { AggregateEvent } from '../../../domain/aggregate.js';
import type { InventoryEvent } from '../../../domain/events.js';
import type { DataPaths } from '../disk/data-directory.js';
import { type FileSystem, readFully, readWhole } from '../disk/file-system.js';
import { EventCache } from './event-cache.js';
import type { SealedSegment } from './manifest.js';
import { parseMovement } from '../format/movement-format.js';
import { Offsets } from '../format/offsets.js';
import { createReadHandle } from '../disk/read-handle.js';
import { NEWLINE, isEventLine, parseLine } from '../format/record-format.js';

/** How many offsets of events in sealed segments are kept in memory: 4 bytes each. */
const OFFSETS_KEPT_MAX = 16_000_000;
/** A read of several events includes none that starts this many bytes after the first, or later. */
const READ_BYTES_MAX = 1024 * 1024;

/** Reads durable events by sequence, from disk. A durable event never changes. */
export interface LogReader {
  event(sequence: number): Promise<InventoryEvent>;
  /** From `sequence` on, in order: up to `limit` events, and at least one unless `limit` is 0. */
  eventsFrom(sequence: number, limit: number): Promise<readonly InventoryEvent[]>;
  /** The same, but only the part of each event that the central view folds. */
  movementsFrom(sequence: number, limit: number): Promise<readonly AggregateEvent[]>;
  /** Closes the open file; the next read opens it again. */
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

/** A segment to read from: where its events start, and where its durable bytes end. */
interface Readable {
  readonly path: string;
  readonly offsets: Offsets;
  readonly bytes: number;
}

export function createLogReader({ fileSystem, paths, sealed, active }: LogReaderDeps): LogReader {
  /** By segment, least recently used first; a promise, so that a scan in progress is shared. */
  const kept = new Map<SealedSegment, Promise<Offsets>>();
  const handles = createReadHandle(fileSystem);
  const events = new EventCache();
  /** Of the active segment at its last read: complete once that segment is sealed. */
  let growing: Offsets | undefined;

  function offsetsOf(segment: SealedSegment): Promise<Offsets> {
    const offsets = kept.get(segment) ?? grownTo(segment) ?? scan(segment);
    kept.delete(segment);
    kept.set(segment, offsets);
    forgetOldest();
    return offsets;
  }

  function grownTo({ first, last }: SealedSegment): Promise<Offsets> | undefined {
    if (growing?.first !== first || growing.last !== last) return undefined;
    return Promise.resolve(growing);
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
      growing = current.offsets;
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

  async function readFrom<T extends Numbered>(
    { sequence, limit }: { readonly sequence: number; readonly limit: number },
    parse: Parse<T>,
  ): Promise<readonly T[]> {
    if (limit < 1) return [];
    const segment = await find(sequence);
    const { offsets, bytes } = segment;
    const start = offsets.of(sequence);
    assert(start !== undefined, `event ${sequence} is not in ${segment.path}`);
    let next = sequence + 1;
    while (next - sequence < limit && (offsets.of(next) ?? Infinity) - start < READ_BYTES_MAX) {
      next += 1;
    }
    // Up to `next` and no further: events after it may not be published yet.
    const wanted = { path: segment.path, first: sequence, count: next - sequence };
    return parseAll(await read(segment, start, offsets.of(next) ?? bytes), wanted, parse);
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
    eventsFrom: (sequence, limit) => readFrom({ sequence, limit }, parseEvent),
    movementsFrom: (sequence, limit) => readFrom({ sequence, limit }, parseMovement),
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

interface Numbered {
  readonly sequence: number;
}

/** Parses one line; null: a control line; undefined: it is not whole. */
type Parse<T extends Numbered> = (line: Buffer) => T | null | undefined;

function parseEvent(line: Buffer): InventoryEvent | null | undefined {
  const parsed = parseLine(line);
  return parsed?.kind === 'event' ? parsed.event : parsed && null;
}

function parseAll<T extends Numbered>(
  bytes: Buffer,
  wanted: { readonly path: string; readonly first: number; readonly count: number },
  parse: Parse<T>,
): T[] {
  const { path, first, count } = wanted;
  const events: T[] = [];
  let offset = 0;
  while (events.length < count) {
    const end = bytes.indexOf(NEWLINE, offset);
    const event = end < 0 ? undefined : parse(bytes.subarray(offset, end));
    assert(event !== undefined, `${path} holds a damaged line that was good before`);
    if (event !== null) {
      const expected = first + events.length;
      assert(event.sequence === expected, `${path} has not event ${expected} in its place`);
      events.push(event);
    }
    offset = end + 1;
  }
  return events;
}
