import { z } from 'zod';
import { healthSchema, livenessSchema } from '../response-schemas.js';
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

export const serviceOperations: readonly Operation[] = [health, liveness, document, page, pageFile];
