import { describe, expect, it } from 'vitest';
import { Histogram } from '../../src/observability/histogram.js';
import { counter, gauge, histogram } from '../../src/observability/metric-family.js';
import { createBaseline, metricsView } from '../../src/observability/metrics.js';
import { createProcessMetrics } from '../../src/observability/process-metrics.js';
import { createRequestMetrics } from '../../src/observability/request-metrics.js';

const clock = { wallMs: () => 1_000, monotonicMs: () => 0 };

describe('the metrics', () => {
  it('count from zero after a reset, whatever is counted meanwhile', () => {
    const counts = { done: 5 };
    const sizes = new Histogram([1, 10]);
    sizes.observe(3);
    let nowMs = 1_000;
    const baseline = createBaseline({ ...clock, wallMs: () => nowMs });
    const collect = () => [
      counter('done_total', '', counts.done),
      counter(
        'by_code_total',
        '',
        counts.done > 6 ? [sample('new', 2), sample('old', 4)] : [sample('old', 1)],
      ),
      gauge('level', '', counts.done),
      histogram('sizes', '', [sizes.sample()]),
    ];
    const shown = () => metricsView(baseline.since(collect()));
    expect(shown().sinceMs).toBe(1_000);

    nowMs = 2_000;
    baseline.reset(collect());
    expect(shown().json()).toMatchObject({
      done_total: { samples: [{ value: 0 }] },
      sizes: { samples: [{ count: 0, sum: 0, p50: null }] },
    });
    counts.done = 7;
    sizes.observe(0.5);

    expect(shown().sinceMs).toBe(2_000);
    expect(shown().json()).toMatchObject({
      done_total: { samples: [{ value: 2 }] },
      by_code_total: { samples: [{ labels: { code: 'new' }, value: 2 }, { value: 3 }] },
      level: { samples: [{ value: 7 }] },
      sizes: { samples: [{ count: 1, sum: 0.5, buckets: { '1': 1, '10': 1, '+Inf': 1 } }] },
    });
    expect(shown().text()).toContain('done_total 2\n');
  });

  it('are plain data: a copy through JSON reads the same', () => {
    const requests = createRequestMetrics();
    requests.started();
    requests.ended('GET', '/a/:b', 200, 3);

    const families = requests.collect();

    expect(JSON.parse(JSON.stringify(families))).toEqual(families);
  });

  it('estimate quantiles inside a bucket, and no further than the highest bound', () => {
    const times = new Histogram([1, 2]);
    for (const value of [1.2, 1.4, 1.6, 1.8]) times.observe(value);
    const shown = () =>
      metricsView({ sinceMs: 0, families: [histogram('times', '', [times.sample()])] });
    expect(shown().json()).toMatchObject({
      times: { samples: [{ p50: 1.5, p90: 1.9, p99: 1.99 }] },
    });

    times.observe(1_000);

    expect(shown().json()).toMatchObject({ times: { samples: [{ p50: 1.625, p99: 2 }] } });
  });
});

describe('the metrics of requests', () => {
  it('have a bounded number of methods', () => {
    const requests = createRequestMetrics();
    for (const method of ['GET', 'PURGE', 'REPORT', 'other', 'MKCOL', 'DELETE']) {
      requests.started();
      requests.ended(method, undefined, 404, 1);
    }

    const [counts, durations] = requests.collect();

    expect(counts?.samples).toEqual(
      [
        ['GET', 1],
        ['other', 4],
        ['DELETE', 1],
      ].map(([method, value]) => ({
        labels: { method, route: 'unmatched', status: '404' },
        value,
      })),
    );
    expect(durations?.samples).toHaveLength(3);
  });

  it('tell those whose client went away, and those that are under way', () => {
    const requests = createRequestMetrics();
    requests.started();
    requests.started();
    requests.ended('GET', '/slow', undefined, 1);

    expect(requests.collect()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          name: 'inventory_http_requests_total',
          samples: [{ labels: { method: 'GET', route: '/slow', status: 'aborted' }, value: 1 }],
        }),
        expect.objectContaining({
          name: 'inventory_http_requests_in_flight',
          samples: [{ labels: {}, value: 1 }],
        }),
      ]),
    );
  });
});

describe('the metrics of the process', () => {
  it('say how late timers come, until they are stopped', () => {
    let elapsedMs = 0;
    let next: (() => void) | undefined;
    const watched = createProcessMetrics({
      clock: { wallMs: () => 0, monotonicMs: () => elapsedMs },
      timers: {
        immediate: () => undefined,
        after(_delayMs, task) {
          next = task;
          return () => (next = undefined);
        },
      },
      version: '1.2.3',
    });
    for (const lateMs of [0, 300]) {
      elapsedMs += 20 + lateMs;
      next?.();
    }
    watched.stop();
    expect(next).toBeUndefined();

    const delay = watched
      .collect()
      .find(({ name }) => name === 'inventory_event_loop_delay_seconds');

    // Up to 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500 ms, and beyond.
    const counts = [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0];
    expect(delay?.samples).toMatchObject([{ counts, sum: 0.3 }]);
  });
});

function sample(code: string, value: number) {
  return { labels: { code }, value };
}
