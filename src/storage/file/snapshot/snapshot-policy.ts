import type { Manifest } from '../log/manifest.js';

/** A segment is sealed at this size at the latest. */
const SEGMENT_BYTES_MAX = 64 * 1024 * 1024;
/**
 * The log between two snapshots is at least this many times as large as the first of them: writing
 * snapshots remains a small, constant share of writing events, however many records there are.
 */
const LOG_PER_SNAPSHOT = 4;

export interface SnapshotPolicy {
  /** The least number of events between two snapshots. */
  readonly everyEvents: number;
  /** The least size of the log between two snapshots, in bytes. */
  readonly logBytesMin: number;
}

/** The size of a part of the log. */
export interface LogSize {
  readonly events: number;
  readonly bytes: number;
}

/** Whether the log after the newest snapshot, `active` included, is large enough for another. */
export function isSnapshotDue(
  policy: SnapshotPolicy,
  manifest: Pick<Manifest, 'sealed' | 'snapshots'>,
  active: LogSize,
): boolean {
  const { sealed, snapshots } = manifest;
  const newest = snapshots.at(-1);
  let { events, bytes } = active;
  // From the newest backwards, without a copy: this runs before every write.
  for (let index = sealed.length - 1; index >= 0; index -= 1) {
    const segment = sealed[index];
    if (segment === undefined || segment.last <= (newest?.sequence ?? 0)) break;
    events += segment.last - segment.first + 1;
    bytes += segment.bytes;
  }
  const enough = Math.max(policy.logBytesMin, LOG_PER_SNAPSHOT * (newest?.bytes ?? 0));
  return events >= policy.everyEvents && bytes >= enough;
}

/** A segment is sealed when it is large, or when sealing it allows a snapshot to be made. */
export function isRotationDue(active: LogSize, isSnapshotDueWith: (active: LogSize) => boolean) {
  if (active.events === 0) return false;
  return active.bytes >= SEGMENT_BYTES_MAX || isSnapshotDueWith(active);
}
