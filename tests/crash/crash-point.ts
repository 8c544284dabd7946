import type { SpawnOptions } from '../support/spawned-server.js';

/** A call to the disk. */
interface DiskCall {
  readonly call: 'write' | 'sync' | 'rename' | 'remove';
  /** A pattern; of the new path for a rename. */
  readonly path: string;
  /** What is written has this in it. */
  readonly text?: string;
}

/** A call to the disk with which a spawned server ends; see die-at.mjs. */
export interface CrashPoint extends DiskCall {
  /** What it belongs to: the first such call behind this one. */
  readonly since?: DiskCall;
  /** Which of those calls since the start of the process (of `since`, where that is), from 1. */
  readonly nth: number;
  /** `half`: of a write, half of its bytes. */
  readonly when: 'before' | 'half' | 'after';
}

/** What a server is spawned with to end there. */
export function endingAt(point: CrashPoint): Pick<SpawnOptions, 'environment' | 'preload'> {
  return {
    environment: { CRASH_POINT: JSON.stringify(point) },
    preload: new URL('die-at.mjs', import.meta.url),
  };
}

type Points = Readonly<Record<string, Omit<CrashPoint, 'nth'>>>;

const SEGMENT = 'events/\\d+\\.jsonl$';

/** While requests are served: what is written where, and how far that got. */
export const POINTS_UNDER_LOAD: Points = {
  'a batch is half written': { call: 'write', path: SEGMENT, when: 'half' },
  'a batch is written and not synced': { call: 'sync', path: SEGMENT, when: 'before' },
  'a batch is synced and not answered': { call: 'sync', path: SEGMENT, when: 'after' },
  'a batch is answered and the watermark is not moved': {
    call: 'write',
    path: 'watermark$',
    when: 'before',
  },
};

const SEAL: DiskCall = { call: 'write', path: SEGMENT, text: '"control":"sealed"' };
const NEXT_SEGMENT: DiskCall = { call: 'sync', path: 'events$' };
const MANIFEST = 'MANIFEST[^/]*$';
const IN_PLACE: DiskCall = { call: 'rename', path: 'MANIFEST' };

/** While a segment is sealed and the next one begun, in the order of what happens. */
export const POINTS_OF_ROTATION: Points = {
  'the seal is half written': { ...SEAL, when: 'half' },
  'the seal is written and not synced': {
    call: 'sync',
    path: SEGMENT,
    since: SEAL,
    when: 'before',
  },
  'the segment is sealed, and there is no other': {
    call: 'sync',
    path: SEGMENT,
    since: SEAL,
    when: 'after',
  },
  'the next segment is there, its directory not synced': {
    ...NEXT_SEGMENT,
    since: SEAL,
    when: 'before',
  },
  'the next segment is durable, and no manifest knows of the seal': {
    ...NEXT_SEGMENT,
    since: SEAL,
    when: 'after',
  },
  'the manifest of the seal is half written': {
    call: 'write',
    path: MANIFEST,
    since: SEAL,
    when: 'half',
  },
  'the manifest of the seal is written and not synced': {
    call: 'sync',
    path: MANIFEST,
    since: SEAL,
    when: 'before',
  },
  'the manifest of the seal is synced, not in place': { ...IN_PLACE, since: SEAL, when: 'before' },
  'the manifest of the seal is in place, its directory not synced': {
    ...IN_PLACE,
    since: SEAL,
    when: 'after',
  },
};

const SNAPSHOT = 'snapshots/\\d+\\.jsonl$';
const MADE: DiskCall = { call: 'rename', path: SNAPSHOT };

/** While a snapshot is made, and the one that is over is removed, in the order of what happens. */
export const POINTS_OF_SNAPSHOTS: Points = {
  'a snapshot is half written': { call: 'write', path: 'snapshots/.*new$', when: 'half' },
  'a snapshot is written and not synced': {
    call: 'sync',
    path: 'snapshots/.*new$',
    when: 'before',
  },
  'a snapshot is synced, not in place': { ...MADE, when: 'before' },
  'a snapshot is in place, its directory not synced': { ...MADE, when: 'after' },
  'a snapshot is durable, and no manifest names it': {
    call: 'sync',
    path: 'snapshots$',
    when: 'after',
  },
  'the manifest that names a snapshot is half written': {
    call: 'write',
    path: MANIFEST,
    since: MADE,
    when: 'half',
  },
  'the manifest that names a snapshot is not in place': {
    ...IN_PLACE,
    since: MADE,
    when: 'before',
  },
  'the manifest that names a snapshot is in place, its directory not synced': {
    ...IN_PLACE,
    since: MADE,
    when: 'after',
  },
  'an old snapshot is no longer named, and still there': {
    call: 'remove',
    path: SNAPSHOT,
    when: 'before',
  },
  'an old snapshot is removed': { call: 'remove', path: SNAPSHOT, when: 'after' },
};

/** While an unclean stop is recovered from. */
export const POINTS_AT_START: Readonly<Record<string, CrashPoint>> = {
  'the torn tail is being copied': { call: 'sync', path: 'quarantine/', when: 'before', nth: 1 },
  'the segment is half rewritten': { call: 'write', path: 'events/.*new$', when: 'half', nth: 1 },
  'the segment is rewritten, not in place': {
    call: 'rename',
    path: 'events/',
    when: 'before',
    nth: 1,
  },
  'the segment is in place, its directory not synced': {
    call: 'rename',
    path: 'events/',
    when: 'after',
    nth: 1,
  },
  'the manifest is not in place': { ...IN_PLACE, when: 'before', nth: 1 },
  'the manifest is in place': { ...IN_PLACE, when: 'after', nth: 1 },
  'the boot line is half written': { call: 'write', path: SEGMENT, when: 'half', nth: 1 },
};
