import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExampleAnswer, ExampleRequest } from '../../src/http/openapi/example.js';
import { packageVersion } from '../support/api-document.js';
import { type Json, committedDocument } from '../support/committed-document.js';
import { type ExampleService, startExampleService } from '../support/example-run.js';

type Sent = Omit<ExampleRequest, 'name' | 'operation' | 'summary'> & { readonly method: string };

interface WrittenExample {
  readonly value?: unknown;
  readonly 'x-request': Sent;
  readonly 'x-answer': ExampleAnswer;
}

const document = committedDocument();

/** Every example of an answer, by its name, in the order in which they were answered. */
const examples = [...examplesIn(document)].sort(([, one], [, other]) =>
  requestIdOf(one) < requestIdOf(other) ? -1 : 1,
);

function* examplesIn(part: Json): Generator<[string, WrittenExample]> {
  for (const [name, value] of Object.entries(part)) {
    if (typeof value !== 'object' || value === null) continue;
    if ('x-answer' in value) yield [name, value as unknown as WrittenExample];
    else yield* examplesIn(value as Json);
  }
}

function requestIdOf({ 'x-answer': { headers } }: WrittenExample): string {
  return headers['X-Request-Id'] ?? '';
}

describe('every example of the API description', () => {
  let service: ExampleService;
  const answers = new Map<string, ExampleAnswer>();

  // They tell one scenario: each is answered as it is because of those before it.
  beforeAll(async () => {
    service = await startExampleService(packageVersion());
    for (const [name, { 'x-request': request }] of examples) {
      const sent = { name, operation: '', summary: '', ...request };
      answers.set(name, await service.send(sent));
    }
  });
  afterAll(() => service.stop());

  it.each(examples)('is a real answer: %s', (name, { value, 'x-answer': { status, headers } }) => {
    expect(answers.get(name)).toEqual({
      status,
      headers,
      ...(value !== undefined && { body: value }),
    });
  });

  it('shows the request that was sent', () => {
    const sent = new Map(
      examples.map(
        ([
          name,
          {
            'x-request': { body },
          },
        ]) => [name, body],
      ),
    );
    const shown = [...requestBodiesIn(document)];

    expect(shown.length).toBeGreaterThan(10);
    for (const [name, { value }] of shown) expect(value).toEqual(sent.get(name));
  });
});

function* requestBodiesIn(part: Json): Generator<[string, { readonly value: unknown }]> {
  for (const [name, value] of Object.entries(part)) {
    if (typeof value !== 'object' || value === null) continue;
    if (name !== 'requestBody') yield* requestBodiesIn(value as Json);
    else {
      const { content } = value as { content: Record<string, { examples: Json }> };
      const { examples: bodies } = content['application/json']!;
      yield* Object.entries(bodies) as [string, { readonly value: unknown }][];
    }
  }
}
