import type { AggregateEvent, AggregateLine } from '../../../domain/aggregate.js';
import { parseTime } from '../../../time-text.js';
import { hasValidCrc, isEventLine, parseLine } from './record-format.js';

interface DiskMovement {
  readonly sequence: number;
  readonly at: string;
  readonly type: string;
  readonly lines?: readonly AggregateLine[];
}

/** The part of an event that the central view folds; its JSON form is the whole event. */
class Movement implements AggregateEvent {
  readonly sequence: number;
  readonly type: string;
  readonly at: number;
  readonly lines: readonly AggregateLine[];
  readonly #line: Buffer;

  constructor(disk: DiskMovement, line: Buffer) {
    this.sequence = disk.sequence;
    this.type = disk.type;
    this.at = parseTime(disk.at);
    this.lines = disk.lines ?? [];
    this.#line = line;
  }

  toJSON(): unknown {
    const parsed = parseLine(this.#line);
    return parsed?.kind === 'event' ? parsed.event : undefined;
  }
}

/**
 * Parses only the part of an event's line that the central view folds, less than half of it. Null:
 * a control line. Undefined: the line is not whole.
 */
export function parseMovement(line: Buffer): AggregateEvent | null | undefined {
  if (!hasValidCrc(line)) return undefined;
  if (!isEventLine(line, 0)) return null;
  // The part that is parsed is ASCII, whatever the rest is.
  return new Movement(JSON.parse(movementText(line.toString('latin1'))) as DiskMovement, line);
}

const AT = ',"at":"';
const TYPE = '"type":"';
const LINES = ',"lines":[';

/**
 * The sequence, and everything from the time to the end of the stock lines; see event-format.ts.
 */
function movementText(text: string): string {
  const sequenceEnd = text.indexOf(',');
  const at = text.indexOf(AT, sequenceEnd);
  const typeEnd = text.indexOf('"', text.indexOf(TYPE, at) + TYPE.length) + 1;
  // Store ids and SKUs contain neither bracket nor brace.
  const end = text.startsWith(LINES, typeEnd) ? text.indexOf('}]', typeEnd) + 2 : typeEnd;
  return `${text.slice(0, sequenceEnd)}${text.slice(at, end)}}`;
}
