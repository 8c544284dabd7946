/**
 * Metrics as plain data: they survive JSON, and the readings of several processes can be merged
 * (merge-families.ts).
 */
export type MetricFamily = NumberFamily | HistogramFamily;

/** How the values of several processes are merged; `each`: not at all, they stay apart. */
export type Together = 'sum' | 'largest' | 'smallest' | 'each';

export interface NumberFamily {
  readonly name: string;
  readonly help: string;
  readonly together: Together;
  /** A counter only grows, and its name ends in `_total`; a gauge is a present value. */
  readonly type: 'counter' | 'gauge';
  readonly samples: readonly NumberSample[];
}

export interface HistogramFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'histogram';
  readonly samples: readonly HistogramSample[];
}

/** Of bounded variety: route patterns, codes, our own names; never a value chosen by a client. */
export type Labels = Readonly<Record<string, string>>;

export interface NumberSample {
  readonly labels: Labels;
  readonly value: number;
}

export interface HistogramSample {
  readonly labels: Labels;
  /** Upper bounds of all buckets but the last, which has none. */
  readonly bounds: readonly number[];
  /** Values per bucket, not cumulative; one element more than `bounds`. */
  readonly counts: readonly number[];
  readonly sum: number;
}

export function counter(
  name: string,
  help: string,
  value: number | readonly NumberSample[],
  together: Together = 'sum',
): NumberFamily {
  return { name, help, type: 'counter', together, samples: samplesOf(value) };
}

export function gauge(
  name: string,
  help: string,
  value: number | readonly NumberSample[],
  together: Together = 'sum',
): NumberFamily {
  return { name, help, type: 'gauge', together, samples: samplesOf(value) };
}

export function histogram(
  name: string,
  help: string,
  samples: readonly HistogramSample[],
): HistogramFamily {
  return { name, help, type: 'histogram', samples };
}

/** One sample per entry, labelled with its key. */
export function byLabel(
  label: string,
  values: Iterable<readonly [string, number]>,
): NumberSample[] {
  return [...values].map(([key, value]) => ({ labels: { [label]: key }, value }));
}

function samplesOf(value: number | readonly NumberSample[]): readonly NumberSample[] {
  return typeof value === 'number' ? [{ labels: {}, value }] : value;
}
