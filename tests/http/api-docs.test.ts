import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { API_DOCUMENT } from '../support/committed-document.js';
import { expectProblem, startEdge } from '../support/http-edge.js';

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

    const response = await fetch(`http://127.0.0.1:${edge.port}/docs`);

    expect(response.status).toBe(200);
    const policy = response.headers.get('content-security-policy') ?? '';
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
    const addresses = [...(await response.text()).matchAll(/(?:src|href)="([^"]*)"/g)];
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
    const url = `http://127.0.0.1:${edge.port}/docs/${file}`;

    const first = await fetch(url);
    const text = await first.text();
    const etag = first.headers.get('etag') ?? '';
    const second = await fetch(url, { headers: { 'If-None-Match': etag } });

    expect({ status: first.status, type: first.headers.get('content-type') }).toEqual({
      status: 200,
      type,
    });
    expect(text).not.toBe('');
    expect({ status: second.status, text: await second.text() }).toEqual({ status: 304, text: '' });
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
