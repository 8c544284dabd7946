import type { Clock } from '../system.js';
import type { HistogramSample, Labels, MetricFamily } from './metric-family.js';
import { type MetricJson, metricsJson } from './metrics-json.js';
import { prometheusText } from './prometheus-text.js';

/** Everything that the service counts. */
export interface Metrics {
  /** Counters and histograms since `sinceMs`, gauges as they are. */
  json(): Record<string, MetricJson>;
  text(): string;
  /** Wall time of the start, or of the last reset. */
  readonly sinceMs: number;
  /** Counts from zero from now on. Whoever counts knows nothing of it: what was counted is subtracted. */
  reset(): void;
}

export function createMetrics(clock: Clock, collect: () => readonly MetricFamily[]): Metrics {
  let baseline: readonly MetricFamily[] = [];
  let sinceMs = clock.wallMs();
  const read = (): readonly MetricFamily[] => without(baseline, collect());
  return {
    json: () => metricsJson(read()),
    text: () => prometheusText(read()),
    get sinceMs() {
      return sinceMs;
    },
    reset() {
      baseline = collect();
      sinceMs = clock.wallMs();
    },
  };
}

/** What was counted after `baseline`. */
function without(
  baseline: readonly MetricFamily[],
  families: readonly MetricFamily[],
): MetricFamily[] {
  const before = new Map(baseline.map((family) => [family.name, family]));
  return families.map((family) => {
    const earlier = before.get(family.name);
    if (family.type === 'histogram') {
      if (earlier?.type !== 'histogram') return family;
      return { ...family, samples: paired(family.samples, earlier.samples, histogramWithout) };
    }
    if (family.type === 'gauge' || earlier?.type !== 'counter') return family;
    const samples = paired(family.samples, earlier.samples, (now, then) => ({
      ...now,
      value: now.value - then.value,
    }));
    return { ...family, samples };
  });
}

function paired<T extends { readonly labels: Labels }>(
  now: readonly T[],
  then: readonly T[],
  subtract: (now: T, then: T) => T,
): T[] {
  const earlier = new Map(then.map((sample) => [JSON.stringify(sample.labels), sample]));
  return now.map((sample) => {
    const same = earlier.get(JSON.stringify(sample.labels));
    return same === undefined ? sample : subtract(sample, same);
  });
}

function histogramWithout(now: HistogramSample, then: HistogramSample): HistogramSample {
  const counts = now.counts.map((count, index) => count - (then.counts[index] ?? 0));
  return { ...now, counts, sum: now.sum - then.sum };
}
