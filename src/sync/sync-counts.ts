/** Counts since the start. */
export interface SyncCounts {
  eventsFolded: number;
  linesFolded: number;
  /** Events that a source sent again. */
  duplicatesSkipped: number;
  lettersOpened: number;
  runs: number;
  /** Runs in which a source could not be read to its end. */
  failedRuns: number;
  lastRunDurationMs: number;
}

export function createSyncCounts(): SyncCounts {
  return {
    eventsFolded: 0,
    linesFolded: 0,
    duplicatesSkipped: 0,
    lettersOpened: 0,
    runs: 0,
    failedRuns: 0,
    lastRunDurationMs: 0,
  };
}
