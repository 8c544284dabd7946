import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ExampleService, startExampleService } from '../support/example-run.js';
import { undescribedAnswers } from '../support/observed-answers.js';

// answer-watch.ts fails a test whose server answers otherwise than described. Here the server is
// spoilt on purpose, and what would have failed is taken away before it does.

let service: ExampleService;

beforeEach(async () => {
  service = await startExampleService('test');
});
afterEach(() => service.stop());

type Spoil = (response: ServerResponse, request: IncomingMessage) => void;

async function faultsOf(path: string, spoil: Spoil, method = 'GET'): Promise<string[]> {
  service.server.prependOnceListener('request', (request, response) => spoil(response, request));
  await service.send({ name: 'spoilt', operation: 'spoilt', summary: '', method, path });
  return await undescribedAnswers();
}

/** Changes what the answer is written with. */
function rewriting(change: (status: number, headers: string[]) => [number, string[]]): Spoil {
  return (response) => {
    const write = response.writeHead.bind(response);
    response.writeHead = ((status: number, headers: string[]) =>
      write(...change(status, headers))) as typeof response.writeHead;
  };
}

function rewritingBody(change: (body: string) => string): Spoil {
  return (response, request) => {
    rewriting((status, headers) => [status, headers.slice(0, -2)])(response, request);
    const end = response.end.bind(response);
    response.end = ((body: string) => end(change(body))) as typeof response.end;
  };
}

describe('an answer that is not as described is found out', () => {
  it('for a status', async () => {
    const faults = await faultsOf(
      '/api/health',
      rewriting((_, headers) => [203, headers]),
    );

    expect(faults).toEqual(['GET /api/health 203 (readHealth): status: is not described']);
  });

  it('for a header', async () => {
    const faults = await faultsOf(
      '/api/health',
      rewriting((status, headers) => [status, ['X-Powered-By', 'us', ...headers]]),
    );

    expect(faults).toEqual([
      'GET /api/health 200 (readHealth): header x-powered-by: is not described',
    ]);
  });

  it('for a member', async () => {
    const faults = await faultsOf(
      '/api/health',
      rewritingBody((body) => body.replace('}', ',"load":0.5}')),
    );

    expect(faults).toEqual([
      'GET /api/health 200 (readHealth): body: must NOT have additional properties ' +
        '{"additionalProperty":"load"}',
    ]);
  });

  it('for a member that is missing, or of another kind', async () => {
    const missing = await faultsOf(
      '/api/health',
      rewritingBody((body) => body.replace('"status":"ok",', '')),
    );
    const other = await faultsOf(
      '/api/health/liveness',
      rewritingBody(() => '{"status":"fine"}'),
    );

    expect(missing).toEqual([expect.stringContaining("must have required property 'status'")]);
    expect(other).toEqual([expect.stringContaining('body: /status must be equal to constant')]);
  });

  it('for a code that the operation is not said to answer', async () => {
    const faults = await faultsOf(
      '/api/reservations/R1',
      rewritingBody((body) => body.replaceAll('reservation-not-found', 'stock-not-found')),
    );

    expect(faults.join()).toContain('(readReservation): body: /type must be equal to constant');
  });

  it('for a header that is missing, or has no such value', async () => {
    const missing = await faultsOf(
      '/api/health',
      rewriting((status, headers) => [status, headers.filter((_, index) => index > 3)]),
    );
    const other = await faultsOf(
      '/api/health/liveness',
      rewriting((status, headers) => [status, headers.map((each) => each.replace('no-c', 'c'))]),
    );

    expect(missing).toEqual([
      'GET /api/health 200 (readHealth): header cache-control: is missing',
      'GET /api/health 200 (readHealth): content type undefined: is not described',
    ]);
    expect(other).toEqual([
      expect.stringContaining('header cache-control: must be equal to constant'),
    ]);
  });

  it('for methods that the path has not', async () => {
    const faults = await faultsOf(
      '/api/transfers',
      rewriting((status, headers) => [
        status,
        headers.map((each) => (each === 'POST' ? 'GET, POST' : each)),
      ]),
      'PATCH',
    );

    expect(faults).toEqual([expect.stringContaining('header allow: the description has POST')]);
  });

  it('at a path that is not described', async () => {
    const faults = await faultsOf(
      '/api/stock',
      rewriting((_, headers) => [200, headers]),
    );

    expect(faults).toEqual(['GET /api/stock 200 (anyOtherRequest): status: is not described']);
  });
});

it('an answer that is as described is not', async () => {
  expect(await faultsOf('/api/health', () => undefined)).toEqual([]);
});
