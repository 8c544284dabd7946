/** Versions of one record that are not folded though later ones are: ranges, ascending, apart. */
export type VersionGaps = readonly VersionRange[];
export type VersionRange = readonly [first: number, last: number];

export const NO_GAPS: VersionGaps = [];

/** `first` … `last` lie behind every gap there is. */
export function withGap(gaps: VersionGaps, first: number, last: number): VersionGaps {
  const before = gaps.at(-1);
  if (before === undefined || before[1] + 1 < first) return [...gaps, [first, last]];
  return [...gaps.slice(0, -1), [before[0], last]];
}

export function isInGap(gaps: VersionGaps, version: number): boolean {
  return gaps.some(([first, last]) => first <= version && version <= last);
}

/** What is left of the gaps when one version is no longer missing. */
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

/** What is left when nobody waits any more for the versions up to `version`, but for `kept`. */
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
