import type { ExampleRequest } from './example.js';

/** An operator looks at the service. */
export const serviceScenario: readonly ExampleRequest[] = [
  {
    name: 'health',
    operation: 'readHealth',
    summary: 'The service is healthy',
    path: '/api/health',
  },
  {
    name: 'liveness',
    operation: 'readLiveness',
    summary: 'The process responds',
    path: '/api/health/liveness',
  },
  {
    name: 'readiness',
    operation: 'readReadiness',
    summary: 'All checks are ok',
    path: '/api/health/readiness',
  },
  {
    name: 'health-metrics',
    operation: 'readHealthMetrics',
    summary: 'Everything at once',
    path: '/api/health/metrics',
  },
  { name: 'metrics', operation: 'readMetrics', summary: 'For people', path: '/api/metrics' },
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
