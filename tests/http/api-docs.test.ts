import { readFileSync } from 'node:fs';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { API_DOCUMENT } from '../support/committed-document.js';
import { type Edge, expectProblem, startEdge } from '../support/http-edge.js';

function addressOf({ port }: Edge): string {
  return `http://127.0.0.1:${port}`;
}

describe('/api/openapi.json', () => {
  it('is the file that is committed, byte for byte', async () => {
    const edge = await startEdge();

    const reply = await edge.get('/api/openapi.json');

    expect(reply.status).toBe(200);
    expect(reply.headers['content-type']).toBe('application/json');
    expect(reply.text).toBe(readFileSync(API_DOCUMENT, 'utf8'));
  });
});

describe('/docs', () => {
  it('is a page that may load and call nothing but this server', async () => {
    const edge = await startEdge();

    const response = await request(addressOf(edge)).get('/docs').expect(200);

    const policy = response.get('content-security-policy') ?? '';
    expect(policy.split(';').sort()).toEqual([
      "base-uri 'none'",
      "connect-src 'self'",
      "default-src 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "img-src 'self' data:",
      "script-src 'self'",
      "style-src 'self'",
    ]);
    const addresses = [...response.text.matchAll(/(?:src|href)="([^"]*)"/g)];
    expect(addresses.map(([, address]) => address)).toEqual([
      'data:,',
      'docs/swagger-ui.css',
      'docs/swagger-ui-bundle.js',
      'docs/start.js',
    ]);
  });

  it.each([
    ['swagger-ui.css', 'text/css; charset=utf-8'],
    ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
    ['start.js', 'text/javascript; charset=utf-8'],
  ])('has %s, and says so when it is the same as before', async (file, type) => {
    const edge = await startEdge();
    const path = `/docs/${file}`;

    const first = await request(addressOf(edge)).get(path).expect(200).expect('Content-Type', type);
    const etag = first.get('etag') ?? '';
    const second = await request(addressOf(edge)).get(path).set('If-None-Match', etag).expect(304);

    expect(first.text).not.toBe('');
    expect(second.text).toBe('');
  });

  it.each([
    'index.html', // of the package: a page that calls somebody else's server
    'swagger-initializer.js',
    'package.json',
    '__proto__',
    '..%2f..%2fpackage.json',
  ])('has no %s', async (file) => {
    const edge = await startEdge();

    const reply = await edge.get(`/docs/${file}`);

    expectProblem(reply, 404, 'not-found');
    expect(reply.headers).not.toHaveProperty('content-security-policy');
  });

  it('takes no query, and nothing but GET and HEAD', async () => {
    const edge = await startEdge();

    expectProblem(await edge.get('/docs?a=1'), 400, 'validation-failed');
    expectProblem(await edge.post('/docs', {}), 405, 'method-not-allowed');
    expect((await edge.call('HEAD', '/docs')).status).toBe(200);
    expect((await edge.get('/docs/')).status).toBe(404);
  });

  it('leaves the answers of the API without the headers of a page', async () => {
    const edge = await startEdge();

    const { headers } = await edge.get('/api/health');

    expect(Object.keys(headers).sort()).toEqual([
      'cache-control',
      'connection',
      'content-length',
      'content-type',
      'date',
      'x-request-id',
    ]);
  });
});
