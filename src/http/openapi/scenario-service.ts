import type { ExampleRequest } from './example.js';

/** Whoever looks after the service has a look. */
export const serviceScenario: readonly ExampleRequest[] = [
  { name: 'health', operation: 'readHealth', summary: 'It is well', path: '/api/health' },
  {
    name: 'liveness',
    operation: 'readLiveness',
    summary: 'It turns',
    path: '/api/health/liveness',
  },
  {
    name: 'readiness',
    operation: 'readReadiness',
    summary: 'All is well',
    path: '/api/health/readiness',
  },
  {
    name: 'health-metrics',
    operation: 'readHealthMetrics',
    summary: 'Everything',
    path: '/api/health/metrics',
  },
  { name: 'metrics', operation: 'readMetrics', summary: 'For a person', path: '/api/metrics' },
  {
    name: 'metrics-reset',
    operation: 'resetMetrics',
    summary: 'Before a measurement',
    path: '/api/metrics/reset',
  },
  {
    name: 'metrics-prometheus',
    operation: 'readPrometheusMetrics',
    summary: 'For Prometheus',
    path: '/metrics',
  },
];
