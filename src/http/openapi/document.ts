import { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathItemObject,
  type ZodOpenApiResponseObject,
} from 'zod-openapi';
import { createExampleIndex, type ExampleIndex } from './example-index.js';
import type { Example } from './example.js';
import { responseHeaders } from './headers.js';
import { type Operation, type RequestBody, type Success, TAGS } from './operation.js';
import { anyOtherRequest, operations } from './operations.js';
import { problemResponsesOf } from './problem-responses.js';

const DESCRIPTION = `
Stock per store and SKU: never oversold, never lost once acknowledged, safe to retry.

* A 2xx response to a write means that the write is on disk. No response means that its outcome is
  unknown: repeat the request with the same \`Idempotency-Key\`.
* 429 (your rate limit) and 503 (the server cannot execute it now) mean: not executed.
* 404, 409, 412 and 422 of a write are decisions: nothing has happened. With an \`Idempotency-Key\`
  they are stored with it, and repeated as they are: to have the service decide again, send a new
  key.
* Errors are problem documents (RFC 9457). Clients should branch on \`code\`.
* Paths match exactly. Unknown members and unknown or repeated query parameters are refused.
* Every example is a real response: \`x-request\` is its request, \`x-answer\` its status and
  headers.
`.trim();

/** The description of the whole API, from the schemas that the routes validate with. */
export function createApiDocument(version: string, examples: readonly Example[]) {
  const index = createExampleIndex(examples);
  return createDocument(
    {
      openapi: '3.1.1',
      info: {
        title: 'Distributed Inventory System',
        version,
        description: DESCRIPTION,
        contact: { name: 'The Distributed Inventory System authors' },
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/', description: 'The server that serves this document.' }],
      security: [],
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
      paths: pathsOf(index),
      components: {
        examples: index.components,
        pathItems: { AnyOtherRequest: { get: operationObject(anyOtherRequest, index) } },
      },
    },
    { override: ({ jsonSchema }) => dropPatternOfInteger(jsonSchema) },
  );
}

function pathsOf(index: ExampleIndex): Record<string, ZodOpenApiPathItemObject> {
  const paths: Record<string, ZodOpenApiPathItemObject> = {};
  for (const operation of operations) {
    paths[operation.path] = {
      ...paths[operation.path],
      [operation.method]: operationObject(operation, index),
    };
  }
  return paths;
}

function operationObject(operation: Operation, index: ExampleIndex): ZodOpenApiOperationObject {
  const { id, tag, summary, description, pathParameters, query, headers, body } = operation;
  return {
    operationId: id,
    tags: [tag],
    summary,
    description,
    requestParams: {
      ...(pathParameters !== undefined && { path: pathParameters }),
      ...(query !== undefined && { query }),
      ...(headers !== undefined && { header: headers }),
    },
    ...(body !== undefined && { requestBody: requestBody(id, body, index) }),
    responses: {
      ...Object.fromEntries(
        operation.successes.map((each) => [
          each.status,
          successResponse(id, operation.always ? each : withQuota(each), index),
        ]),
      ),
      ...Object.fromEntries(
        problemResponsesOf(operation).map((each) => [
          each.status,
          index.withProblemExamples(id, each),
        ]),
      ),
    },
  };
}

function withQuota(success: Success): Success {
  return { ...success, headers: { ...success.headers, ...responseHeaders.quota } };
}

function requestBody(id: string, { schema, bytesMax, optional }: RequestBody, index: ExampleIndex) {
  return {
    required: optional === undefined,
    description: `At most ${bytesMax / 1024} KiB of JSON in UTF-8.`,
    content: { 'application/json': { schema, examples: index.bodiesOf(id) } },
  };
}

function successResponse(
  id: string,
  { status, description, headers, content }: Success,
  index: ExampleIndex,
): ZodOpenApiResponseObject {
  const response = { description, headers: z.object(headers) };
  if (content === undefined) return { ...response, ...index.bodiless(id, status) };
  const described = Object.entries(content).map(
    ([type, schema]) => [type, { schema, examples: index.answersOf(id, status, type) }] as const,
  );
  return { ...response, content: Object.fromEntries(described) };
}

/** A number in a query is validated as text: for a reader the pattern is only noise. */
function dropPatternOfInteger(schema: { type?: unknown; pattern?: unknown }): void {
  if (schema.type === 'integer') delete schema.pattern;
}
