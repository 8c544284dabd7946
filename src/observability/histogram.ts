import type { HistogramSample, Labels } from './metric-family.js';

/** Bucket bounds in seconds, for durations from a tenth of a millisecond to ten seconds. */
export const LATENCY_BOUNDS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Counts values by size. An observation is a short scan of the bounds, and allocates nothing. */
export class Histogram {
  private readonly counts: number[];
  private sum = 0;

  constructor(private readonly bounds: readonly number[] = LATENCY_BOUNDS) {
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const { bounds } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += value;
  }

  sample(labels: Labels = {}): HistogramSample {
    return { labels, bounds: this.bounds, counts: [...this.counts], sum: this.sum };
  }
}
