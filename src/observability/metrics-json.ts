import type { HistogramSample, Labels, MetricFamily, Together } from './metric-family.js';

export type MetricJson =
  | {
      readonly type: 'counter' | 'gauge';
      readonly help: string;
      readonly together: Together;
      readonly samples: { readonly labels: Labels; readonly value: number }[];
    }
  | {
      readonly type: 'histogram';
      readonly help: string;
      readonly samples: HistogramJson[];
    };

interface HistogramJson {
  readonly labels: Labels;
  readonly count: number;
  readonly sum: number;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  /** Cumulative counts by upper bound. */
  readonly buckets: Readonly<Record<string, number>>;
}

/** For use with curl and jq: by name, with quantiles. */
export function metricsJson(families: readonly MetricFamily[]): Record<string, MetricJson> {
  return Object.fromEntries(families.map((family) => [family.name, metricJson(family)]));
}

function metricJson(family: MetricFamily): MetricJson {
  const { help } = family;
  if (family.type === 'histogram') {
    return { type: family.type, help, samples: family.samples.map(histogramJson) };
  }
  const samples = family.samples.map(({ labels, value }) => ({ labels, value }));
  return { type: family.type, help, together: family.together, samples };
}

function histogramJson(sample: HistogramSample): HistogramJson {
  const { labels, bounds, counts, sum } = sample;
  const buckets: Record<string, number> = {};
  let count = 0;
  for (const [index, inBucket] of counts.entries()) {
    count += inBucket;
    buckets[String(bounds[index] ?? '+Inf')] = count;
  }
  const quantile = (share: number): number | null => quantileOf(sample, share * count);
  return {
    labels,
    count,
    sum,
    buckets,
    p50: quantile(0.5),
    p90: quantile(0.9),
    p99: quantile(0.99),
  };
}

/**
 * Estimated like Prometheus' histogram_quantile: values are taken as evenly spread within a bucket,
 * and as the highest bound beyond it. null: nothing was observed.
 */
function quantileOf({ bounds, counts }: HistogramSample, rank: number): number | null {
  let below = 0;
  for (const [index, count] of counts.entries()) {
    if (count > 0 && below + count >= rank) {
      const lower = bounds[index - 1] ?? 0;
      const upper = bounds[index] ?? lower;
      return lower + ((upper - lower) * (rank - below)) / count;
    }
    below += count;
  }
  return null;
}
