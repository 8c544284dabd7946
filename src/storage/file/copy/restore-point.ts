import type { Moment } from '../../../application/record-history.js';
import { timeText } from '../../../time-text.js';
import { DataDirectoryError } from '../disk/errors.js';
import type { FileSystem } from '../disk/file-system.js';
import type { SourceLog } from './source-log.js';
import { type SegmentBytes, readSealed, scanUpTo } from './source-segments.js';

/**
 * The last event up to that moment; 0: the moment is before the first. Rejects with
 * DataDirectoryError if the log ends before it: later events are unknown.
 */
export async function lastEventAt(
  fileSystem: FileSystem,
  source: SourceLog,
  point: Moment,
): Promise<number> {
  if ('time' in point) return await lastEventUntil(fileSystem, source, point.time);
  if (point.sequence <= source.last) return point.sequence;
  throw tooLate(source, `its last event is ${source.last}`);
}

/** From the newest segment backwards: the moment is usually recent. */
async function lastEventUntil(
  fileSystem: FileSystem,
  source: SourceLog,
  time: number,
): Promise<number> {
  let segment: SegmentBytes = source.active;
  for (let index = source.manifest.sealed.length - 1; ; index -= 1) {
    const { last, lastAt } = eventsUntil(segment, { time, last: source.last });
    if (lastAt !== undefined && lastAt < time && last === source.last) {
      throw tooLate(source, `its last event (${last}) is of ${timeText(lastAt)}`);
    }
    if (lastAt !== undefined) return last;
    if (index < 0) return 0;
    segment = await readSealed(fileSystem, source, index);
  }
}

interface EventsUntil {
  readonly last: number;
  /** Time of the last event; undefined: no event of the segment is that early. */
  readonly lastAt: number | undefined;
}

function eventsUntil(
  segment: SegmentBytes,
  until: { readonly time: number; readonly last: number },
): EventsUntil {
  let lastAt: number | undefined;
  const { last } = scanUpTo(segment, until.last, ({ at }) => {
    if (at <= until.time) lastAt = at;
    return at <= until.time;
  });
  return { last, lastAt };
}

function tooLate({ paths }: SourceLog, why: string): DataDirectoryError {
  return new DataDirectoryError(
    `${paths.root} does not reach so far: ${why}; without --at all of it is taken`,
  );
}
