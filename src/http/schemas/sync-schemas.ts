import { z } from 'zod';
import { reasonSchema, skuSchema, storeIdSchema } from './name-schemas.js';
import { pageQuerySchema } from './request-schemas.js';
import { timeSchema } from './value-schemas.js';

// The central view: what is asked of it, and what it answers.

/** The longest that a request waits for the fold, in ms: below what proxies allow. */
const WAIT_MS_MAX = 30_000;
const INTERVAL_MS_MIN = 100;
const INTERVAL_MS_MAX = 86_400_000;

export const LETTER_ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}-[1-9][0-9]{0,15}$/;

export const letterIdSchema = z
  .string()
  .regex(LETTER_ID_PATTERN, 'must be the id of a dead letter')
  .meta({ id: 'DeadLetterId', example: 'local-812' });

const wholeNumber = (highest: number) =>
  z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,15})$/, `must be a whole number from 0 to ${highest}`)
    .transform(Number)
    .refine((n) => n <= highest, `must be a whole number from 0 to ${highest}`)
    .exactOptional();

export const centralSkuQuerySchema = z.strictObject({
  minSequence: wholeNumber(Number.MAX_SAFE_INTEGER).meta({
    type: 'integer',
    minimum: 0,
    default: 0,
    description:
      'Answer only when so much is folded: `asOf.sequence`, which is that of all sources together, or ' +
      'with `source` the `sequence` of that one.',
  }),
  source: z.string().exactOptional().meta({
    description: 'The source, by its name, that `minSequence` is of.',
    example: 'local',
  }),
  waitMs: wholeNumber(WAIT_MS_MAX).meta({
    type: 'integer',
    minimum: 0,
    maximum: WAIT_MS_MAX,
    default: 0,
    description: 'How long to wait for that.',
  }),
});

export const startSyncSchema = z
  .strictObject({ intervalMs: z.int().min(INTERVAL_MS_MIN).max(INTERVAL_MS_MAX).exactOptional() })
  .meta({ id: 'StartSync', description: 'Without `intervalMs`: the interval stays as it is.' });

export const discardQuerySchema = z.strictObject({ reason: reasonSchema });
export const lettersQuerySchema = pageQuerySchema;

const sequence = z.int().min(0);
const time = timeSchema.nullable();
const ageMs = z.int().min(0).nullable();
const sourceName = z.string().meta({ example: 'local' });
const units = z
  .int()
  .meta({ description: 'May be below zero while a part that is missing is doubtful.' });
const quantities = { qty: units, reserved: units, onHand: units };
const isDoubtful = z.literal(true).exactOptional();

export const centralSkuSchema = z
  .strictObject({
    sku: skuSchema,
    total: z.strictObject(quantities),
    stores: z.array(
      z.strictObject({
        source: sourceName,
        storeId: storeIdSchema,
        ...quantities,
        doubtful: isDoubtful.meta({ description: 'A dead letter is about this record.' }),
      }),
    ),
    asOf: z.strictObject({
      sequence: sequence.meta({ description: 'The sum of the sources’ sequences.' }),
      at: time.meta({ description: 'That of the oldest source; null: one was never read.' }),
      sources: z.array(
        z.strictObject({
          name: sourceName,
          sequence,
          at: time.meta({ description: 'Everything that the source had at this time is in.' }),
          ageMs,
          doubtful: isDoubtful.meta({
            description: 'A dead letter of this source names no record: any may be wrong.',
          }),
        }),
      ),
    }),
    lag: z.int().min(0).meta({ description: 'Events that are known to be there, and not in.' }),
  })
  .meta({ id: 'CentralSku' });

export const syncRunSchema = z
  .strictObject({
    applied: z.int().min(0),
    deadLettered: z.int().min(0),
    checkpoint: sequence,
    durationMs: z.int().min(0),
    failures: z
      .array(z.strictObject({ source: sourceName, detail: z.string() }))
      .exactOptional()
      .meta({ description: 'Sources that could not be read to their end.' }),
  })
  .meta({ id: 'SyncRun' });

export const syncStatusSchema = z
  .strictObject({
    running: z.boolean().meta({ description: 'The periodic timer is on.' }),
    intervalMs: z.int(),
    sources: z.array(
      z.strictObject({
        name: sourceName,
        url: z.string().nullable().meta({ description: 'null: the own log.' }),
        nodeId: z.string().nullable().meta({ description: 'null: it was never read.' }),
        state: z.enum(['ok', 'failing', 'other-data']).meta({
          description:
            '`other-data`: what answers there is not the data that was folded before. Nothing of ' +
            'it is folded.',
        }),
        breaker: z.enum(['closed', 'open', 'half-open']),
        sequence,
        at: time,
        ageMs,
        lag: z.int().min(0),
        deadLetters: z.int().min(0),
        lastError: z.string().nullable(),
      }),
    ),
    checkpoint: sequence,
    lag: z.int().min(0),
    lastRunAt: time,
    lastError: z.string().nullable(),
    deadLetters: z.int().min(0),
  })
  .meta({ id: 'SyncStatus' });

const deadLetterSchema = z
  .strictObject({
    id: letterIdSchema,
    source: sourceName,
    sequence: z.int().min(1),
    lastSequence: z.int().min(1).meta({ description: 'Of a gap, the last that is missing.' }),
    type: z.string().nullable(),
    reason: z.enum([
      'unknown-type',
      'unknown-schema',
      'version-gap',
      'version-repeated',
      'quantity-overflow',
      'unreadable',
      'sequence-gap',
    ]),
    detail: z.string(),
    records: z
      .array(
        z.strictObject({
          storeId: storeIdSchema,
          sku: skuSchema,
          version: z.int().min(1).nullable(),
        }),
      )
      .meta({ description: 'What it is about, as far as that can be read.' }),
    attempts: z.int().min(1),
    firstAttemptAt: timeSchema,
    lastAttemptAt: timeSchema,
    received: z.string().nullable().meta({ description: 'What came, cut; null: nothing did.' }),
  })
  .meta({ id: 'DeadLetter' });

export const letterPageSchema = z
  .strictObject({ items: z.array(deadLetterSchema), nextCursor: z.string().nullable() })
  .meta({ id: 'DeadLetterPage' });

export const retriedSchema = z
  .strictObject({
    resolved: z.boolean().meta({ description: 'It is folded, and no dead letter any more.' }),
    deadLetter: deadLetterSchema.nullable().meta({ description: 'As it is now.' }),
  })
  .meta({ id: 'RetriedDeadLetter' });
