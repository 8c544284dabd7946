/**
 * A record's events form a chain: each line names the sequence of the event before it. So that the
 * past of a busy record can be reached without walking all of it, a line also names the latest
 * events before it whose version was a multiple of these.
 */
const SKIP_DISTANCES = [64, 64 ** 2, 64 ** 3];

/** Sequences by distance, nearest first; undefined until the record has its 64th version. */
export type HistorySkips = readonly number[] | undefined;

/** The skips that lines of a record name after its event `sequence` made it `version`. */
export function skipsAfter(before: HistorySkips, version: number, sequence: number): HistorySkips {
  if (version % 64 !== 0) return before;
  const skips = [...(before ?? [])];
  for (const [level, distance] of SKIP_DISTANCES.entries()) {
    if (version % distance === 0) skips[level] = sequence;
  }
  return skips;
}

export function sameSkips(a: HistorySkips, b: HistorySkips): boolean {
  if (a === b) return true;
  return a?.length === b?.length && a?.every((sequence, level) => sequence === b?.[level]) === true;
}
