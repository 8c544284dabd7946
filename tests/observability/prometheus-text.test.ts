import { describe, expect, it } from 'vitest';
import { Histogram } from '../../src/observability/histogram.js';
import { counter, gauge, histogram } from '../../src/observability/metric-family.js';
import { prometheusText } from '../../src/observability/prometheus-text.js';

describe('the text for Prometheus', () => {
  it('has help, type and one line per sample', () => {
    const text = prometheusText([
      counter('things_total', 'Things.', [
        { labels: { route: '/a/:b', status: '200' }, value: 3 },
        { labels: { route: '/c', status: '404' }, value: 1 },
      ]),
      gauge('level', 'How high.', -0.5),
      gauge('nobody', 'Of nothing.', []),
    ]);

    expect(text).toBe(
      [
        '# HELP things_total Things.',
        '# TYPE things_total counter',
        'things_total{route="/a/:b",status="200"} 3',
        'things_total{route="/c",status="404"} 1',
        '# HELP level How high.',
        '# TYPE level gauge',
        'level -0.5',
        '# HELP nobody Of nothing.',
        '# TYPE nobody gauge',
        '',
      ].join('\n'),
    );
  });

  it('has the buckets of a histogram cumulative, a value on a bound inside it', () => {
    const sizes = new Histogram([1, 2, 5]);
    for (const value of [0.5, 1, 1.5, 5, 6]) sizes.observe(value);

    expect(prometheusText([histogram('sizes', 'Sizes.', [sizes.sample({ of: 'x' })])])).toBe(
      [
        '# HELP sizes Sizes.',
        '# TYPE sizes histogram',
        'sizes_bucket{of="x",le="1"} 2',
        'sizes_bucket{of="x",le="2"} 3',
        'sizes_bucket{of="x",le="5"} 4',
        'sizes_bucket{of="x",le="+Inf"} 5',
        'sizes_sum{of="x"} 14',
        'sizes_count{of="x"} 5',
        '',
      ].join('\n'),
    );
  });

  it('escapes what would end a line or a label', () => {
    const text = prometheusText([
      gauge('odd', 'a\\b\nc "d"', [{ labels: { name: 'a\\b\nc "d"' }, value: 1 }]),
    ]);

    expect(text.split('\n')).toEqual([
      String.raw`# HELP odd a\\b\nc "d"`,
      '# TYPE odd gauge',
      String.raw`odd{name="a\\b\nc \"d\""} 1`,
      '',
    ]);
  });
});
