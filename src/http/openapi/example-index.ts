import type { ZodOpenApiResponseObject } from 'zod-openapi';
import type { ProblemCode } from '../problem.js';
import type { Example } from './example.js';
import type { ProblemResponse } from './problem-responses.js';

type ExampleObject = Readonly<Record<string, unknown>>;
type Examples = Readonly<Record<string, ExampleObject>>;

const PROBLEM_TYPE = 'application/problem+json';

/** Finds the place of each example in the document. */
export interface ExampleIndex {
  /** Every response that has a body, once. */
  readonly components: Examples;
  /** The request bodies of the operation's successful examples. */
  bodiesOf(operation: string): Examples;
  /** The responses of one content type. */
  answersOf(operation: string, status: number, type: string): Examples;
  /** Responses without a body, for which OpenAPI has no place for examples. */
  bodiless(operation: string, status: number): { readonly 'x-examples'?: Examples };
  /**
   * The response with the operation's own examples. If it has none: the shared response, with one
   * example for each code, taken from any operation.
   */
  withProblemExamples(operation: string, shared: ProblemResponse): ZodOpenApiResponseObject;
}

export function createExampleIndex(examples: readonly Example[]): ExampleIndex {
  const shared = new Map<string, ZodOpenApiResponseObject>();

  function answersOf(operation: string, status: number, type: string): Examples {
    return referencesTo(
      examples.filter(
        ({ operation: of, answer }) =>
          of === operation && answer.status === status && answer.headers['Content-Type'] === type,
      ),
    );
  }

  function firstOf(code: ProblemCode): Example | undefined {
    return examples.find(({ answer }) => codeOf(answer.body) === code);
  }

  return {
    components: Object.fromEntries(
      examples
        .filter(({ answer }) => answer.body !== undefined)
        .map((each) => [each.name, exampleObject(each)]),
    ),
    bodiesOf: (operation) =>
      Object.fromEntries(
        examples
          .filter((each) => each.operation === operation && each.answer.status < 300)
          .filter(({ body }) => body !== undefined)
          .map(({ name, summary, body }) => [name, { summary, value: body }]),
      ),
    answersOf,
    bodiless(operation, status) {
      const found = examples.filter(
        (each) => each.operation === operation && each.answer.status === status,
      );
      if (found.length === 0) return {};
      return {
        'x-examples': Object.fromEntries(found.map((each) => [each.name, exampleObject(each)])),
      };
    },
    withProblemExamples(operation, { status, codes, response }) {
      const { id, ...rest } = response;
      const own = answersOf(operation, status, PROBLEM_TYPE);
      if (Object.keys(own).length > 0) return withExamples(rest, own);
      let known = shared.get(id);
      if (known === undefined) {
        const found = codes.map(firstOf).filter((each) => each !== undefined);
        known = { id, ...withExamples(rest, referencesTo(found)) };
        shared.set(id, known);
      }
      return known;
    },
  };
}

function withExamples(
  response: ZodOpenApiResponseObject,
  examples: Examples,
): ZodOpenApiResponseObject {
  const content = response.content?.[PROBLEM_TYPE];
  return { ...response, content: { [PROBLEM_TYPE]: { ...content, examples } } };
}

function referencesTo(examples: readonly Example[]): Examples {
  return Object.fromEntries(
    examples.map(({ name }) => [name, { $ref: `#/components/examples/${name}` }]),
  );
}

function exampleObject({ summary, method, path, headers, body, answer }: Example): ExampleObject {
  return {
    summary,
    ...(answer.body !== undefined && { value: answer.body }),
    'x-request': { method, path, headers, body },
    'x-answer': { status: answer.status, headers: answer.headers },
  };
}

function codeOf(body: unknown): unknown {
  return typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined;
}
