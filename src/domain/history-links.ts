/**
 * A record's events form a chain: each line names the sequence of the record's previous event. To
 * reach the past of a busy record without walking the whole chain, a line also names, for each of
 * these distances, the latest earlier event whose version is a multiple of it.
 */
const SKIP_DISTANCES = [64, 64 ** 2, 64 ** 3];

/** Sequences by distance, nearest first; undefined until the record has its 64th version. */
export type HistorySkips = readonly number[] | undefined;

/** The skips of the record's next line, after event `sequence` moved it to `version`. */
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
