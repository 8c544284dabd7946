import { z } from 'zod';
import { STOCK_BODY_BYTES_MAX } from '../json/body-limits.js';
import { healthMetricsSchema, metricsSchema } from '../schemas/metrics-schemas.js';
import { nothingSchema } from '../schemas/request-schemas.js';
import { healthSchema, livenessSchema, readinessSchema } from '../schemas/response-schemas.js';
import { PAGE_FILES } from '../routes/api-docs.js';
import { responseHeaders } from './headers.js';
import { type Operation, found } from './operation.js';

const tag = 'Service';

const health: Operation = {
  id: 'readHealth',
  method: 'get',
  path: '/api/health',
  tag,
  summary: 'Check the health of the service',
  description: 'Answered from memory, also while the server drains.',
  successes: [found(healthSchema, 'The service is healthy.')],
  problems: [],
  always: true,
};

const liveness: Operation = {
  id: 'readLiveness',
  method: 'get',
  path: '/api/health/liveness',
  tag,
  summary: 'Check whether the process responds',
  description: 'For a liveness probe: never touches the disk.',
  successes: [found(livenessSchema, 'The process responds.')],
  problems: [],
  always: true,
};

const readiness: Operation = {
  id: 'readReadiness',
  method: 'get',
  path: '/api/health/readiness',
  tag,
  summary: 'Check whether this server should receive requests',
  description:
    'For a readiness probe. A fault that only refuses writes, or slows requests down, is listed ' +
    'in `degraded` and does not make the server unready: it still serves reads.',
  successes: [
    found(readinessSchema, 'The server is ready.'),
    { ...found(readinessSchema, 'Not ready: the server is stopping, or reads fail.'), status: 503 },
  ],
  problems: [],
  always: true,
};

const healthMetrics: Operation = {
  id: 'readHealthMetrics',
  method: 'get',
  path: '/api/health/metrics',
  tag,
  summary: 'Read health, readiness and metrics at once',
  description: 'Health, readiness with its checks, circuit breakers, bulkheads and all metrics.',
  successes: [found(healthMetricsSchema, 'Health, readiness and metrics.')],
  problems: ['overloaded'],
  always: true,
};

const metrics: Operation = {
  id: 'readMetrics',
  method: 'get',
  path: '/api/metrics',
  tag,
  summary: 'Read the metrics as JSON',
  description:
    'Those of `/metrics`, with estimated quantiles, for people. With `WORKERS`, of all workers.',
  successes: [found(metricsSchema, 'All metrics.')],
  problems: ['overloaded'],
  always: true,
};

const resetMetrics: Operation = {
  id: 'resetMetrics',
  method: 'post',
  path: '/api/metrics/reset',
  tag,
  summary: 'Reset the metrics',
  description:
    'Sets counters and histograms to zero. In production (`NODE_ENV`) there is no such path: 404.',
  body: { schema: nothingSchema, bytesMax: STOCK_BODY_BYTES_MAX, optional: true },
  successes: [
    {
      status: 200,
      description: 'All metrics, after the reset.',
      headers: responseHeaders.written,
      content: { 'application/json': metricsSchema },
    },
  ],
  problems: ['not-found', 'overloaded'],
  always: true,
};

const prometheusMetrics: Operation = {
  id: 'readPrometheusMetrics',
  method: 'get',
  path: '/metrics',
  tag,
  summary: 'Read the metrics as Prometheus text',
  description: 'The Prometheus text format 0.0.4.',
  successes: [
    {
      status: 200,
      description: 'All metrics.',
      headers: responseHeaders.read,
      content: { 'text/plain; version=0.0.4; charset=utf-8': z.string() },
    },
  ],
  problems: ['overloaded'],
  always: true,
};

const document: Operation = {
  id: 'readApiDescription',
  method: 'get',
  path: '/api/openapi.json',
  tag,
  summary: 'Read this API description',
  description: 'OpenAPI 3.1.',
  successes: [found(z.looseObject({ openapi: z.string() }), 'This document.')],
  problems: [],
};

const { read, page: pageHeaders, fileEtag } = responseHeaders;
const text = z.string();

const page: Operation = {
  id: 'readApiPage',
  method: 'get',
  path: '/docs',
  tag,
  summary: 'Show this API description in a browser',
  description: 'An HTML page that loads nothing from the internet.',
  successes: [
    {
      status: 200,
      description: 'The page.',
      headers: { ...read, ...pageHeaders },
      content: { 'text/html; charset=utf-8': text },
    },
  ],
  problems: [],
};

const pageFile: Operation = {
  id: 'readApiPageFile',
  method: 'get',
  path: '/docs/{file}',
  tag,
  summary: 'Read a file of the page',
  description: 'Its scripts and its style sheet.',
  pathParameters: z.object({ file: z.enum(Object.keys(PAGE_FILES)) }),
  successes: [
    {
      status: 200,
      description: 'The file.',
      headers: { ...read, ...fileEtag, ...pageHeaders },
      content: Object.fromEntries(Object.values(PAGE_FILES).map((type) => [type, text])),
    },
    {
      status: 304,
      description: 'The file has not changed.',
      headers: { ...read, ...fileEtag, ...pageHeaders },
    },
  ],
  problems: ['not-found'],
};

export const serviceOperations: readonly Operation[] = [
  health,
  liveness,
  readiness,
  healthMetrics,
  metrics,
  resetMetrics,
  prometheusMetrics,
  document,
  page,
  pageFile,
];
