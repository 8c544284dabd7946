import type { AggregateEvent, AggregateLine } from '../../../domain/aggregate.js';
import { parseTime } from '../../../time-text.js';
import { hasValidCrc, isEventLine, parseLine } from './record-format.js';

interface DiskMovement {
  readonly sequence: number;
  readonly at: string;
  readonly type: string;
  readonly lines?: readonly AggregateLine[];
}

/** As much of an event as the central view folds; as JSON it is the whole event. */
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
 * Reads of an event's line what the central view folds, which is less than half of it; null: it is
 * a control line; undefined: it is not whole.
 */
export function parseMovement(line: Buffer): AggregateEvent | null | undefined {
  if (!hasValidCrc(line)) return undefined;
  if (!isEventLine(line, 0)) return null;
  // What is read of it is ASCII, whatever the rest may be.
  return new Movement(JSON.parse(movementText(line.toString('latin1'))) as DiskMovement, line);
}

const AT = ',"at":"';
const TYPE = '"type":"';
const LINES = ',"lines":[';

/** The sequence, and all from the time to the end of the stock lines; see event-format.ts. */
function movementText(text: string): string {
  const sequenceEnd = text.indexOf(',');
  const at = text.indexOf(AT, sequenceEnd);
  const typeEnd = text.indexOf('"', text.indexOf(TYPE, at) + TYPE.length) + 1;
  // No name has a bracket or a brace.
  const end = text.startsWith(LINES, typeEnd) ? text.indexOf('}]', typeEnd) + 2 : typeEnd;
  return `${text.slice(0, sequenceEnd)}${text.slice(at, end)}}`;
}
