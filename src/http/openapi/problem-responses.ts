import { z } from 'zod';
import type { ZodOpenApiResponseObject } from 'zod-openapi';
import { PROBLEMS, type ProblemCode } from '../problem.js';
import { pascalCase, problemOfCodes } from '../problem-schemas.js';
import { type ResponseHeaders, responseHeaders } from './headers.js';
import { type Operation, STORAGE_PROBLEMS } from './operation.js';

/** The statuses of what `decide` refuses: a refusal to a request with a key is kept and repeated. */
const OUTCOMES: readonly number[] = [404, 409, 412, 422];

/** What may be answered before there is a request that could be routed. */
const CONNECTION_PROBLEMS: Readonly<Record<number, string>> = {
  400: 'validation-failed',
  408: 'request-timeout',
  413: 'payload-too-large',
  417: 'expectation-failed',
  431: 'headers-too-large',
};

const connectionProblemSchema = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.values(CONNECTION_PROBLEMS)),
  })
  .meta({
    id: 'ConnectionProblem',
    description:
      'The short answer to bytes that are no acceptable HTTP request: it has no `X-Request-Id`, ' +
      'and the connection closes.',
  });

/** The problems that an answer to this operation can be about. */
function problemCodesOf(operation: Operation): readonly ProblemCode[] {
  const codes = new Set<ProblemCode>([
    ...(['validation-failed', 'request-timeout', 'uri-too-long', 'internal'] as const),
    ...operation.problems,
  ]);
  if (operation.always === undefined) codes.add('shutting-down');
  if (operation.body !== undefined) {
    codes.add('malformed-json').add('payload-too-large').add('unsupported-media-type');
  }
  if (operation.idempotent) {
    for (const code of ['idempotency-key-reused', ...STORAGE_PROBLEMS] as const) codes.add(code);
  }
  return (Object.keys(PROBLEMS) as ProblemCode[]).filter((code) => codes.has(code));
}

export interface ProblemResponse {
  readonly status: number;
  readonly codes: readonly ProblemCode[];
  readonly response: ZodOpenApiResponseObject & { readonly id: string };
}

/** One response for each status that a problem of this operation can have. */
export function problemResponsesOf(operation: Operation): readonly ProblemResponse[] {
  const codes = problemCodesOf(operation);
  const statuses = new Set([...codes.map(statusOf), 417, 431]);
  return [...statuses]
    .sort((one, other) => one - other)
    .map((status) => {
      const here = codes.filter((code) => statusOf(code) === status);
      const isOutcome = operation.idempotent === true && OUTCOMES.includes(status);
      return { status, codes: here, response: problemResponse(status, here, isOutcome) };
    });
}

function problemResponse(status: number, codes: readonly ProblemCode[], isOutcome: boolean) {
  const short = CONNECTION_PROBLEMS[status];
  const names = codes.length > 0 ? codes : [short ?? ''];
  return {
    id: names.map(pascalCase).join('Or') + (isOutcome ? 'Outcome' : ''),
    description: codes.length > 0 ? codes.map(described).join('; ') : `\`${short}\``,
    headers: z.object(headersOf(status, codes, isOutcome)),
    content: { 'application/problem+json': { schema: schemaOf(codes, short !== undefined) } },
  };
}

function schemaOf(codes: readonly ProblemCode[], mayBeShort: boolean): z.ZodType {
  if (codes.length === 0) return connectionProblemSchema;
  const full = problemOfCodes(codes);
  return mayBeShort ? z.union([full, connectionProblemSchema]) : full;
}

function headersOf(
  status: number,
  codes: readonly ProblemCode[],
  isOutcome: boolean,
): ResponseHeaders {
  if (codes.length === 0) return {};
  return {
    ...(status in CONNECTION_PROBLEMS ? responseHeaders.perhapsWritten : responseHeaders.written),
    ...(isOutcome && responseHeaders.replayed),
    ...(status === 503 && responseHeaders.retryAfter),
    ...(codes.includes('method-not-allowed') && responseHeaders.allow),
    ...(codes.includes('precondition-failed') && responseHeaders.currentEtag),
    ...(codes.includes('insufficient-stock') && responseHeaders.whenFree),
  };
}

function statusOf(code: ProblemCode): number {
  return PROBLEMS[code][0];
}

function described(code: ProblemCode): string {
  return `\`${code}\`: ${PROBLEMS[code][1]}`;
}
