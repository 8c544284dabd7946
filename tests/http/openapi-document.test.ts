import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Request } from 'express';
import { describe, expect, it } from 'vitest';
import { anyOtherRequest, operations } from '../../src/http/openapi/operations.js';
import { PROBLEMS } from '../../src/http/problem.js';
import { pascalCase } from '../../src/http/schemas/problem-schemas.js';
import { apiDocumentText } from '../support/api-document.js';
import { API_DOCUMENT, type Json, committedDocument } from '../support/committed-document.js';
import { startExampleService } from '../support/example-run.js';

const document = committedDocument();
const components = document['components'] as Readonly<Record<string, Json>>;

describe('the API description', () => {
  it('is what the sources say and a server answers: else run `npm run openapi`', async () => {
    const committed = readFileSync(API_DOCUMENT, 'utf8');

    expect(committed).toBe(await apiDocumentText());
  });

  it('describes every route, and nothing else', async () => {
    const described = operations.map(({ method, path }) => `${method} ${path}`);

    expect(described.sort()).toEqual((await routesOfTheService()).sort());
  });

  it('gives every operation a name and an example of its own', () => {
    const all = [...operations, anyOtherRequest];
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    const names = Object.keys(components['examples'] ?? {});
    const text = JSON.stringify(document);
    for (const name of names) expect(text).toContain(`#/components/examples/${name}"`);

    const withExample = all.filter(({ method, path, id }) => {
      const item = (document['paths'] as Readonly<Record<string, Json>>)[path]?.[method];
      const operation = item ?? components['pathItems']?.['AnyOtherRequest'];
      expect(operation, id).toBeDefined();
      return JSON.stringify(operation).includes('#/components/examples/');
    });

    const without = all.filter((operation) => !withExample.includes(operation));
    // The description would have to contain itself; the page is looked at by a browser.
    expect(without.map(({ id }) => id)).toEqual([
      'readApiDescription',
      'readApiPage',
      'readApiPageFile',
    ]);
  });

  it('describes every code that a problem can have', () => {
    const schemas = components['schemas'] ?? {};
    const undescribed = Object.keys(PROBLEMS).filter(
      (code) => !(`${pascalCase(code)}Problem` in schemas),
    );

    expect(undescribed).toEqual([
      // Only ever answered to what is no request yet, in fewer words.
      'expectation-failed',
    ]);
    expect(Object.keys(schemas).filter((name) => name.endsWith('Connection'))).toEqual([
      'ValidationFailedConnection',
      'RequestTimeoutConnection',
      'PayloadTooLargeConnection',
      'ExpectationFailedConnection',
      'HeadersTooLargeConnection',
    ]);
  });

  it('lets no answer have a member that is not described', () => {
    const open = Object.entries(components['schemas'] ?? {}).filter(([, schema]) => {
      const { type, oneOf, additionalProperties } = schema as Json;
      return type === 'object' && oneOf === undefined && additionalProperties !== false;
    });

    expect(open.map(([name]) => name)).toEqual([]);
  });
});

interface Layer {
  readonly handle: { readonly stack?: readonly Layer[] };
  readonly route?: { readonly path: string; readonly methods: Readonly<Record<string, boolean>> };
}

/** As the routers have them, in the description's words: `get /docs/{file}`. */
async function routesOfTheService(): Promise<string[]> {
  const service = await startExampleService('test');
  const arrival = once(service.server, 'request');
  await fetch(`${service.url}/api/health`);
  const [{ app }] = (await arrival) as [Request];
  await service.stop();
  return routesOf(app.router.stack as unknown as readonly Layer[]);
}

function routesOf(stack: readonly Layer[]): string[] {
  return stack.flatMap(({ handle, route }) => {
    if (route === undefined) return routesOf(handle.stack ?? []);
    const path = route.path.replaceAll(/:([a-zA-Z]+)/g, '{$1}');
    // Behind its methods every route has one handler for all: it answers 405.
    const methods = Object.keys(route.methods).filter((method) => method !== '_all');
    return methods.map((method) => `${method} ${path}`);
  });
}
