import { z } from 'zod';
import { healthMembers, readinessSchema } from './response-schemas.js';
import { timeSchema } from './value-schemas.js';

// The metrics as JSON, for the API description, for types and for tests.

const labels = z.record(z.string(), z.string());
const help = z.string();
const seconds = z
  .number()
  .nullable()
  .meta({ description: 'Estimated from the buckets; null if nothing was observed.' });

const numberMetricSchema = z
  .strictObject({
    type: z.enum(['counter', 'gauge']),
    help,
    together: z.enum(['sum', 'largest', 'smallest', 'each']).meta({
      description:
        'With `WORKERS`: how the values of all workers are combined. `each`: not at all, and ' +
        'each sample has the label `worker`.',
    }),
    samples: z.array(z.strictObject({ labels, value: z.number() })),
  })
  .meta({ id: 'NumberMetric' });

const histogramMetricSchema = z
  .strictObject({
    type: z.literal('histogram'),
    help,
    samples: z.array(
      z.strictObject({
        labels,
        count: z.int().min(0),
        sum: z.number(),
        p50: seconds,
        p90: seconds,
        p99: seconds,
        buckets: z
          .record(z.string(), z.int().min(0))
          .meta({ description: 'Cumulative counts by the upper bound of the bucket.' }),
      }),
    ),
  })
  .meta({ id: 'HistogramMetric' });

const metricsMembers = {
  since: timeSchema.meta({ description: 'The time from which counters and histograms count.' }),
  metrics: z
    .record(z.string(), z.union([numberMetricSchema, histogramMetricSchema]))
    .meta({ description: 'By metric name, as in `/metrics`.' }),
};

export const metricsSchema = z.strictObject(metricsMembers).meta({ id: 'Metrics' });

const count = z.int().min(0);

const circuitBreakerSchema = z
  .strictObject({
    state: z.enum(['closed', 'open', 'half-open']),
    successes: count,
    failures: count,
    refused: count.meta({ description: 'Calls that the breaker did not let through.' }),
    opened: count.meta({ description: 'How often the breaker has opened.' }),
  })
  .meta({ id: 'CircuitBreaker' });

const bulkheadSchema = z
  .strictObject({
    slots: count,
    active: count,
    queued: count,
    queueMax: count,
    run: count,
    refused: count,
  })
  .meta({ id: 'Bulkhead' });

const resilienceMembers = {
  circuitBreakers: z.record(z.string(), circuitBreakerSchema).meta({ description: 'By name.' }),
  bulkheads: z.record(z.string(), bulkheadSchema).meta({ description: 'By name.' }),
};

/** Health, readiness, breakers, bulkheads and metrics in one document. */
export const healthMetricsSchema = z
  .strictObject({
    ...healthMembers,
    readiness: readinessSchema,
    ...resilienceMembers,
    ...metricsMembers,
  })
  .meta({ id: 'HealthMetrics' });

export type HealthMetricsBody = z.infer<typeof healthMetricsSchema>;
export type ResilienceBody = Pick<HealthMetricsBody, 'circuitBreakers' | 'bulkheads'>;
export type MetricsBody = z.infer<typeof metricsSchema>;
