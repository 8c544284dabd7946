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
  summary: 'Ask whether the service is well',
  description: 'Answered from memory, while the server drains, too.',
  successes: [found(healthSchema, 'It is.')],
  problems: [],
  always: true,
};

const liveness: Operation = {
  id: 'readLiveness',
  method: 'get',
  path: '/api/health/liveness',
  tag,
  summary: 'Ask whether the process still turns',
  description: 'For a liveness probe: never touches the disk.',
  successes: [found(livenessSchema, 'It does.')],
  problems: [],
  always: true,
};

const readiness: Operation = {
  id: 'readReadiness',
  method: 'get',
  path: '/api/health/readiness',
  tag,
  summary: 'Ask whether requests should be sent here',
  description:
    'For a readiness probe. What only refuses writes, or is slow, is named in `degraded`, and is ' +
    'no reason to send nothing: reads go on.',
  successes: [
    found(readinessSchema, 'They should.'),
    { ...found(readinessSchema, 'They should not: it stops, or reads fail.'), status: 503 },
  ],
  problems: [],
  always: true,
};

const healthMetrics: Operation = {
  id: 'readHealthMetrics',
  method: 'get',
  path: '/api/health/metrics',
  tag,
  summary: 'Ask for everything at once',
  description:
    'Health, readiness with its checks, circuit breakers, bulkheads, and all that is counted.',
  successes: [found(healthMetricsSchema, 'Everything.')],
  problems: ['overloaded'],
  always: true,
};

const metrics: Operation = {
  id: 'readMetrics',
  method: 'get',
  path: '/api/metrics',
  tag,
  summary: 'Read what is counted',
  description:
    'The same as `/metrics`, for people, with estimated quantiles. With `WORKERS`, of all workers.',
  successes: [found(metricsSchema, 'All metrics.')],
  problems: ['overloaded'],
  always: true,
};

const resetMetrics: Operation = {
  id: 'resetMetrics',
  method: 'post',
  path: '/api/metrics/reset',
  tag,
  summary: 'Count from zero',
  description: 'Counters and histograms. In production (`NODE_ENV`) there is no such path: 404.',
  body: { schema: nothingSchema, bytesMax: STOCK_BODY_BYTES_MAX, optional: true },
  successes: [
    {
      status: 200,
      description: 'All metrics, from zero.',
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
  summary: 'Read what is counted, as Prometheus does',
  description: 'The text format 0.0.4.',
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
  summary: 'Read this description',
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
  summary: 'Look at this description in a browser',
  description: 'A page that needs nothing from the internet.',
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
  summary: 'Read what the page is made of',
  description: 'Scripts and style.',
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
      description: 'The file still is as you know it.',
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
