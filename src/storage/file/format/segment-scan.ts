import type { InventoryEvent } from '../../../domain/events.js';
import {
  CRC_BYTES,
  CRC_OPEN,
  type LogLine,
  NEWLINE,
  hasValidCrc,
  parseLine,
} from './record-format.js';

/** The first bad line of a segment, and what is wrong with it. */
export interface Break {
  readonly offset: number;
  /** Counted from 1. */
  readonly line: number;
  readonly what: string;
}

export interface SegmentScan {
  readonly lastCrc: string;
  /** Sequence of the last good event; one below the segment's first if there is none. */
  readonly last: number;
  readonly epoch: number;
  /** The good lines end with a seal. */
  readonly sealed: boolean;
  /** The highest `durable` of any good line. */
  readonly durable: number;
  readonly goodBytes: number;
  /** Undefined: good to the end. */
  readonly broken: Break | undefined;
}

/**
 * Reads lines as long as newline, crc, chain and sequence are correct. `onEvent` receives each good
 * event with its offset; if it returns an objection, the segment breaks there.
 */
export function scanSegment(
  bytes: Buffer,
  start: { readonly first: number; readonly previous: string },
  onEvent: (event: InventoryEvent, offset: number) => string | undefined,
): SegmentScan {
  let offset = 0;
  let line = 1;
  let previous = start.previous;
  let next = start.first;
  let [epoch, durable, sealed] = [0, 0, false];
  let what: string | undefined;
  while (offset < bytes.length) {
    const end = bytes.indexOf(NEWLINE, offset);
    const parsed = end < 0 ? undefined : parseLine(bytes.subarray(offset, end));
    what = parsed === undefined ? 'is not a whole line' : objection(parsed, previous, next, sealed);
    if (parsed === undefined || what !== undefined) break;
    if (parsed.kind === 'event') {
      what = onEvent(parsed.event, offset);
      if (what !== undefined) break;
      next += 1;
    }
    sealed = parsed.kind === 'sealed';
    epoch = Math.max(epoch, parsed.epoch);
    durable = Math.max(durable, parsed.durable);
    previous = parsed.crc;
    offset = end + 1;
    line += 1;
  }
  const broken = what === undefined ? undefined : { offset, line, what };
  const last = next - 1;
  return { lastCrc: previous, last, epoch, sealed, durable, goodBytes: offset, broken };
}

function objection(
  line: LogLine,
  previous: string,
  next: number,
  sealed: boolean,
): string | undefined {
  if (sealed) return 'follows the seal of the segment';
  if (line.previous !== previous) return `continues ${line.previous}, not ${previous}`;
  if (line.kind === 'event' && line.event.sequence !== next) {
    return `has sequence ${line.event.sequence}, expected ${next}`;
  }
  return undefined;
}

const LINE_STARTS = ['{"sequence":', '{"control":'];
const DURABLE_FIELD = /^\{"(?:sequence":\d+|control":"\w+"),"epoch":\d+,"durable":(\d+),/;

/**
 * The highest `durable` of any whole line in these bytes, which need not start at a line boundary:
 * lines after the damage may prove that more events were acknowledged than precede it. A line's end
 * is found by its crc, not by its newline, which may be damaged itself. No value contains the text
 * that starts a line or its crc, since JSON escapes quotes.
 */
export function highestDurable(bytes: Buffer): number {
  let highest = 0;
  for (const lineStart of LINE_STARTS) {
    let offset = bytes.indexOf(lineStart);
    for (; offset >= 0; offset = bytes.indexOf(lineStart, offset + 1)) {
      const crc = bytes.indexOf(CRC_OPEN, offset);
      if (crc < 0) break;
      const line = bytes.subarray(offset, crc + CRC_BYTES);
      if (!hasValidCrc(line)) continue;
      const match = DURABLE_FIELD.exec(line.toString('latin1', 0, 120));
      highest = Math.max(highest, Number(match?.[1] ?? 0));
    }
  }
  return highest;
}
