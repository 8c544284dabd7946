import type { Clock } from '../system.js';
import type { HistogramSample, Labels, MetricFamily } from './metric-family.js';
import { type MetricJson, metricsJson } from './metrics-json.js';
import { prometheusText } from './prometheus-text.js';

/** Counters and histograms since `sinceMs` (wall time), and the present values of gauges. */
export interface Counted {
  readonly sinceMs: number;
  readonly families: readonly MetricFamily[];
}

/** The same for people (JSON) and for Prometheus (text). */
export interface MetricsView {
  readonly sinceMs: number;
  json(): Record<string, MetricJson>;
  text(): string;
}

/** Implements resets by subtraction, so that the code that counts need not know of them. */
export interface Baseline {
  /** The part of the total counts that was counted since the start or the last reset. */
  since(families: readonly MetricFamily[]): Counted;
  reset(families: readonly MetricFamily[]): void;
}

export function createBaseline(clock: Clock): Baseline {
  let baseline: readonly MetricFamily[] = [];
  let sinceMs = clock.wallMs();
  return {
    since: (families) => ({ sinceMs, families: without(baseline, families) }),
    reset(families) {
      baseline = families;
      sinceMs = clock.wallMs();
    },
  };
}

export function metricsView({ sinceMs, families }: Counted): MetricsView {
  return { sinceMs, json: () => metricsJson(families), text: () => prometheusText(families) };
}

/** The counts made after `baseline`. */
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
