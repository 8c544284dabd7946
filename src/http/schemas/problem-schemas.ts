import { z } from 'zod';
import {
  CONNECTION_CODES,
  type ConnectionStatus,
  connectionProblem,
} from '../server/client-errors.js';
import { skuSchema, storeIdSchema } from './name-schemas.js';
import { PROBLEMS, type ProblemCode } from '../problem.js';
import { problemType } from '../request-error.js';
import { requestIdSchema } from '../request-id.js';
import { reservationStatusSchema, timeSchema, unitsSchema } from './value-schemas.js';

// One schema for each code (problem.ts has their statuses and titles), for the API description and
// for tests: like every response, problem documents are not validated at run time.

const operation = z
  .int()
  .min(0)
  .exactOptional()
  .meta({ description: 'In an atomic batch: the zero-based index of the refused operation.' });
const currentVersion = z.int().min(0).meta({ description: '0 if the record does not exist.' });
const shortage = z
  .strictObject({
    storeId: storeIdSchema,
    sku: skuSchema,
    requested: unitsSchema,
    available: unitsSchema,
    version: z.int().min(0),
  })
  .meta({ id: 'Shortage' });

/** The members of a problem of this code, besides those that every problem has. */
const MEMBERS: Partial<Record<ProblemCode, z.ZodRawShape>> = {
  'validation-failed': {
    errors: z
      .array(
        z.strictObject({
          pointer: z
            .string()
            .meta({ description: 'A JSON Pointer into the body; "" is the whole body.' }),
          detail: z.string(),
        }),
      )
      .exactOptional(),
  },
  'stock-not-found': { operation },
  'version-conflict': { expectedVersion: z.int().min(1), currentVersion, operation },
  'reservation-not-active': { reservationStatus: reservationStatusSchema },
  'position-ahead': {
    after: z.int().min(1),
    sequence: z
      .int()
      .min(0)
      .meta({ description: 'The sequence of the last durable event; 0 if there is none.' }),
  },
  'precondition-failed': { currentVersion },
  'insufficient-stock': {
    lines: z.array(shortage).min(1),
    earliestExpiry: timeSchema.exactOptional().meta({
      description:
        'When enough units become available by the expiry of holds, if none is extended.',
    }),
    operation,
  },
  'below-reserved': { operation },
  'quantity-overflow': { operation },
};

type ProblemSchema = z.ZodObject;

const problemSchemas = Object.fromEntries(
  (Object.keys(PROBLEMS) as ProblemCode[]).map((code) => [code, schemaOf(code)]),
) as Readonly<Record<ProblemCode, ProblemSchema>>;

/** A problem of any code. */
export const problemSchema = problemOfCodes(Object.keys(PROBLEMS) as ProblemCode[]);

/** A problem with one of these codes. */
export function problemOfCodes(codes: readonly ProblemCode[]): z.ZodType {
  const [first, ...others] = codes.map((code) => problemSchemas[code]);
  if (first === undefined || others.length === 0) return first ?? z.never();
  return z.discriminatedUnion('code', [first, ...others]);
}

/** The short responses to input that is not a valid request (client-errors.ts), by status. */
export const connectionProblemSchemas: ReadonlyMap<number, z.ZodType> = new Map(
  Object.keys(CONNECTION_CODES).map((status) => [
    Number(status),
    connectionSchemaOf(Number(status) as ConnectionStatus),
  ]),
);

/** `insufficient-stock` as `InsufficientStock`. */
export function pascalCase(code: string): string {
  return code.replaceAll(/(?:^|-)([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

function schemaOf(code: ProblemCode): ProblemSchema {
  const [status, title] = PROBLEMS[code];
  return z
    .strictObject({
      type: z.literal(problemType(code)),
      title: z.literal(title),
      status: z.literal(status),
      detail: z.string(),
      instance: z.string().meta({ description: 'The path of the request.' }),
      code: z.literal(code),
      requestId: requestIdSchema,
      ...MEMBERS[code],
    })
    .meta({ id: `${pascalCase(code)}Problem` });
}

function connectionSchemaOf(status: ConnectionStatus): z.ZodType {
  const { type, title, code } = connectionProblem(status);
  return z
    .strictObject({
      type: z.literal(type),
      title: z.literal(title),
      status: z.literal(status),
      code: z.literal(code),
    })
    .meta({
      id: `${pascalCase(code)}Connection`,
      description:
        'Refuses a connection on which no valid request has been received: the response has no ' +
        '`X-Request-Id`, and the connection is closed.',
    });
}
