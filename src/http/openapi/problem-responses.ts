import { z } from 'zod';
import type { ZodOpenApiResponseObject } from 'zod-openapi';
import { PROBLEMS, type ProblemCode } from '../problem.js';
import {
  connectionProblemSchemas,
  pascalCase,
  problemOfCodes,
} from '../schemas/problem-schemas.js';
import { type ResponseHeaders, responseHeaders } from './headers.js';
import { type Operation, STORAGE_PROBLEMS } from './operation.js';

/** The statuses of refusals by `decide`: with an idempotency key they are stored and replayed. */
const OUTCOMES: readonly number[] = [404, 409, 412, 422];

const ADMISSION_PROBLEMS = ['rate-limited', 'overloaded', 'shutting-down'] as const;

const BODY_PROBLEMS = [
  'malformed-json',
  'request-timeout',
  'payload-too-large',
  'unsupported-media-type',
] as const;

/** The codes of the problems that this operation can answer with. */
function problemCodesOf(operation: Operation): readonly ProblemCode[] {
  const codes = new Set<ProblemCode>([
    ...(['validation-failed', 'uri-too-long', 'internal'] as const),
    ...operation.problems,
  ]);
  if (operation.always === undefined) {
    for (const code of ADMISSION_PROBLEMS) codes.add(code);
  }
  if (operation.body !== undefined) {
    for (const code of BODY_PROBLEMS) codes.add(code);
  }
  if (operation.idempotent) {
    codes.add('idempotency-key-reused');
    for (const code of STORAGE_PROBLEMS) codes.add(code);
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
  const statuses = new Set([...codes.map(statusOf), ...connectionProblemSchemas.keys()]);
  return [...statuses]
    .sort((one, other) => one - other)
    .map((status) => {
      const here = codes.filter((code) => statusOf(code) === status);
      const isOutcome = operation.idempotent === true && OUTCOMES.includes(status);
      return { status, codes: here, response: problemResponse(status, here, isOutcome) };
    });
}

function problemResponse(status: number, codes: readonly ProblemCode[], isOutcome: boolean) {
  const short = connectionProblemSchemas.get(status);
  const full = codes.length > 0 ? problemOfCodes(codes) : undefined;
  const schema =
    full === undefined || short === undefined ? (full ?? short) : z.union([full, short]);
  return {
    id: (codes.map(pascalCase).join('Or') || `Refused${status}`) + (isOutcome ? 'Outcome' : ''),
    description: codes.map(described).join('; ') || 'The connection is refused and closed.',
    headers: z.object(headersOf(status, codes, isOutcome)),
    content: { 'application/problem+json': { ...(schema !== undefined && { schema }) } },
  };
}

function headersOf(
  status: number,
  codes: readonly ProblemCode[],
  isOutcome: boolean,
): ResponseHeaders {
  if (codes.length === 0) return {};
  return {
    ...responseHeaders.quota,
    ...(connectionProblemSchemas.has(status)
      ? responseHeaders.perhapsWritten
      : responseHeaders.written),
    ...(isOutcome && responseHeaders.replayed),
    ...((status === 503 || status === 429) && responseHeaders.retryAfter),
    ...(codes.includes('method-not-allowed') && responseHeaders.allow),
    ...(codes.includes('not-acceptable') && responseHeaders.vary),
    ...(codes.includes('position-ahead') && {
      ...responseHeaders.node,
      ...responseHeaders.sequence,
    }),
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
