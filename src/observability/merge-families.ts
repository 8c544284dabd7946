import type {
  HistogramSample,
  Labels,
  MetricFamily,
  NumberSample,
  Together,
} from './metric-family.js';

/** The counts of one process; `place` is its label in families that keep processes apart. */
export interface CountedBy {
  readonly place: string;
  readonly families: readonly MetricFamily[];
}

/** Merges the readings of several processes: each family by its own rule, histograms by sum. */
export function mergeFamilies(readings: readonly CountedBy[]): MetricFamily[] {
  const together = new Map<string, MetricFamily>();
  for (const { place, families } of readings) {
    for (const family of families) {
      const own = labelled(family, place);
      const before = together.get(family.name);
      together.set(family.name, before === undefined ? own : joined(before, own));
    }
  }
  return [...together.values()];
}

/** The families that outlive their process: counts remain, gauges do not. */
export function countsOnly(families: readonly MetricFamily[]): MetricFamily[] {
  return families.filter(({ type }) => type !== 'gauge');
}

function labelled(family: MetricFamily, place: string): MetricFamily {
  if (family.type === 'histogram' || family.together !== 'each') return family;
  const samples = family.samples.map(({ labels, value }) => ({
    // A sample that already has the label keeps it.
    labels: { worker: place, ...labels },
    value,
  }));
  return { ...family, samples };
}

function joined(one: MetricFamily, other: MetricFamily): MetricFamily {
  if (one.type === 'histogram' || other.type === 'histogram') {
    if (one.type !== 'histogram' || other.type !== 'histogram') return one;
    return { ...one, samples: joinedSamples(one.samples, other.samples, addedUp) };
  }
  const value = VALUE_OF_TWO[one.together];
  const samples = joinedSamples(one.samples, other.samples, (a, b) => ({
    labels: a.labels,
    value: value(a.value, b.value),
  }));
  return { ...one, samples };
}

const VALUE_OF_TWO: Readonly<Record<Together, (a: number, b: number) => number>> = {
  sum: (a, b) => a + b,
  each: (a, b) => a + b,
  largest: Math.max,
  smallest: Math.min,
};

function joinedSamples<T extends NumberSample | HistogramSample>(
  ones: readonly T[],
  others: readonly T[],
  join: (one: T, other: T) => T,
): T[] {
  const samples = new Map(ones.map((sample) => [keyOf(sample.labels), sample]));
  for (const sample of others) {
    const key = keyOf(sample.labels);
    const same = samples.get(key);
    samples.set(key, same === undefined ? sample : join(same, sample));
  }
  return [...samples.values()];
}

function addedUp(one: HistogramSample, other: HistogramSample): HistogramSample {
  const counts = one.counts.map((count, index) => count + (other.counts[index] ?? 0));
  return { ...one, counts, sum: one.sum + other.sum };
}

/** Every process lists the labels of a family in the same order. */
function keyOf(labels: Labels): string {
  return JSON.stringify(labels);
}
