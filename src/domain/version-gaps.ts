/** Versions of a record that may still be folded after later ones: ascending, separate ranges. */
export type VersionGaps = readonly VersionRange[];
export type VersionRange = readonly [first: number, last: number];

export const NO_GAPS: VersionGaps = [];

/** `first` and `last` must be above every existing gap. */
export function withGap(gaps: VersionGaps, first: number, last: number): VersionGaps {
  const before = gaps.at(-1);
  if (before === undefined || before[1] + 1 < first) return [...gaps, [first, last]];
  return [...gaps.slice(0, -1), [before[0], last]];
}

export function isInGap(gaps: VersionGaps, version: number): boolean {
  return gaps.some(([first, last]) => first <= version && version <= last);
}

/** The gaps that remain when one version is no longer missing. */
export function withoutVersion(gaps: VersionGaps, version: number): VersionGaps {
  return within(
    gaps.flatMap(([first, last]): VersionRange[] => {
      if (version < first || version > last) return [[first, last]];
      return [
        [first, version - 1],
        [version + 1, last],
      ];
    }),
  );
}

/** The gaps that remain when no version up to `version` is awaited any more, except `kept`. */
export function withoutUpTo(
  gaps: VersionGaps,
  version: number,
  kept: ReadonlySet<number>,
): VersionGaps {
  const behind = gaps.map(([first, last]): VersionRange => [Math.max(first, version + 1), last]);
  const awaited = [...kept]
    .filter((each) => each <= version && isInGap(gaps, each))
    .sort((one, other) => one - other);
  let left: VersionGaps = NO_GAPS;
  for (const each of awaited) left = withGap(left, each, each);
  for (const [first, last] of within(behind)) left = withGap(left, first, last);
  return left;
}

function within(ranges: readonly VersionRange[]): VersionGaps {
  const left = ranges.filter(([first, last]) => first <= last);
  return left.length === 0 ? NO_GAPS : left;
}
