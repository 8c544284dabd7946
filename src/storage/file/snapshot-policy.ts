import type { Manifest } from './manifest.js';

/** A segment is sealed at this size at the latest. */
const SEGMENT_BYTES_MAX = 64 * 1024 * 1024;

export interface SnapshotPolicy {
  /** The least number of events between two snapshots. */
  readonly everyEvents: number;
  /** The least size of the log between two snapshots, in bytes. */
  readonly logBytesMin: number;
}

/**
 * Whether the log behind the newest snapshot is worth the next one. It must also be as large as
 * that snapshot, so that writing snapshots stays a constant factor of writing events, however many
 * records there are. `more`: what is in the log but not sealed yet.
 */
export function snapshotDue(
  policy: SnapshotPolicy,
  manifest: Pick<Manifest, 'sealed' | 'snapshots'>,
  more: { readonly events: number; readonly bytes: number },
): boolean {
  const { sealed, snapshots } = manifest;
  const newest = snapshots.at(-1);
  let { events, bytes } = more;
  // From the newest backwards, without a copy: this is asked before every write.
  for (let index = sealed.length - 1; index >= 0; index -= 1) {
    const segment = sealed[index];
    if (segment === undefined || segment.last <= (newest?.sequence ?? 0)) break;
    events += segment.last - segment.first + 1;
    bytes += segment.bytes;
  }
  return events >= policy.everyEvents && bytes >= Math.max(policy.logBytesMin, newest?.bytes ?? 0);
}

/**
 * A segment is sealed when it is large, or when that lets a snapshot be made: not while what is
 * sealed already would do for one, since then it is being made (or could not be).
 */
export function rotationDue(
  policy: SnapshotPolicy,
  manifest: Pick<Manifest, 'sealed' | 'snapshots'>,
  active: { readonly events: number; readonly bytes: number },
): boolean {
  if (active.events === 0) return false;
  if (active.bytes >= SEGMENT_BYTES_MAX) return true;
  const none = { events: 0, bytes: 0 };
  return snapshotDue(policy, manifest, active) && !snapshotDue(policy, manifest, none);
}
