import type { SpawnOptions } from '../support/spawned-server.js';

/** A call to the disk with which a spawned server ends; see die-at.mjs. */
export interface CrashPoint {
  readonly call: 'write' | 'sync' | 'rename';
  /** A pattern; of the new path for a rename. */
  readonly path: string;
  /** Which of those calls since the start of the process, from 1. */
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

/** While requests are served: what is written where, and how far that got. */
export const POINTS_UNDER_LOAD: Record<string, Omit<CrashPoint, 'nth'>> = {
  'a batch is half written': { call: 'write', path: 'events/\\d+\\.jsonl$', when: 'half' },
  'a batch is written and not synced': {
    ...{ call: 'sync', path: 'events/\\d+\\.jsonl$', when: 'before' },
  },
  'a batch is synced and not answered': {
    ...{ call: 'sync', path: 'events/\\d+\\.jsonl$', when: 'after' },
  },
  'a batch is answered and the watermark is not moved': {
    ...{ call: 'write', path: 'watermark$', when: 'before' },
  },
};

/** While an unclean stop is recovered from. */
export const POINTS_AT_START: Record<string, CrashPoint> = {
  'the torn tail is being copied': { call: 'sync', path: 'quarantine/', when: 'before', nth: 1 },
  'the segment is half rewritten': { call: 'write', path: 'events/.*new$', when: 'half', nth: 1 },
  'the segment is rewritten, not in place': {
    ...{ call: 'rename', path: 'events/', when: 'before', nth: 1 },
  },
  'the segment is in place, its directory not synced': {
    ...{ call: 'rename', path: 'events/', when: 'after', nth: 1 },
  },
  'the manifest is not in place': {
    ...{ call: 'rename', path: 'MANIFEST', when: 'before', nth: 1 },
  },
  'the manifest is in place': { call: 'rename', path: 'MANIFEST', when: 'after', nth: 1 },
  'the boot line is half written': {
    ...{ call: 'write', path: 'events/\\d+\\.jsonl$', when: 'half', nth: 1 },
  },
};
