import { z } from 'zod';
import { reasonSchema, skuSchema, storeIdSchema } from './name-schemas.js';
import { pageQuerySchema } from './request-schemas.js';
import { timeSchema } from './value-schemas.js';

// The requests to the central view, and its responses.

/** The longest time that a request may wait for the fold, in ms: below proxy timeouts. */
export const WAIT_MS_MAX = 30_000;
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
      'Answer only when the fold has reached this sequence: `asOf.sequence`, which is the sum ' +
      'over all sources, or with `source` the `sequence` of that source.',
  }),
  source: z.string().exactOptional().meta({
    description: 'The name of the source that `minSequence` refers to; unused without it.',
    example: 'local',
  }),
  waitMs: wholeNumber(WAIT_MS_MAX).meta({
    type: 'integer',
    minimum: 0,
    maximum: WAIT_MS_MAX,
    default: 0,
    description:
      'How long to wait for `minSequence`, in ms, before the answer is 503; unused without it.',
  }),
});

export const startSyncSchema = z
  .strictObject({ intervalMs: z.int().min(INTERVAL_MS_MIN).max(INTERVAL_MS_MAX).exactOptional() })
  .meta({ id: 'StartSync', description: 'Without `intervalMs`, the interval is unchanged.' });

export const discardQuerySchema = z.strictObject({ reason: reasonSchema });
export const lettersQuerySchema = pageQuerySchema;

const sequence = z.int().min(0);
const time = timeSchema.nullable();
const ageMs = z.int().min(0).nullable();
const sourceName = z.string().meta({ example: 'local' });
const units = z
  .int()
  .meta({ description: 'May be negative while events are missing, as shown by `doubtful`.' });
const quantities = { qty: units, reserved: units, onHand: units };
const isDoubtful = z.literal(true).exactOptional();

export const centralSkuSchema = z
  .strictObject({
    sku: skuSchema,
    total: z.strictObject({
      ...quantities,
      doubtful: isDoubtful.meta({
        description: 'Units may be missing: a record or a source of the sum is doubtful.',
      }),
    }),
    stores: z.array(
      z.strictObject({
        source: sourceName,
        storeId: storeIdSchema,
        ...quantities,
        doubtful: isDoubtful.meta({ description: 'A dead letter names this record.' }),
      }),
    ),
    asOf: z.strictObject({
      sequence: sequence.meta({ description: 'The sum of the sequences of all sources.' }),
      at: time.meta({
        description: 'The earliest `at` of all sources; null if one was never read.',
      }),
      sources: z.array(
        z.strictObject({
          name: sourceName,
          sequence,
          at: time.meta({
            description: 'Every event that the source had then is folded or in a dead letter.',
          }),
          ageMs,
          doubtful: isDoubtful.meta({
            description: 'A dead letter of this source names no record: any record may be wrong.',
          }),
        }),
      ),
    }),
    lag: z
      .int()
      .min(0)
      .meta({ description: 'Events that the sources are known to have and that are not folded.' }),
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
      .meta({ description: 'Sources that could not be read to the end.' }),
  })
  .meta({ id: 'SyncRun' });

export const syncStatusSchema = z
  .strictObject({
    running: z.boolean().meta({ description: 'Whether the periodic timer is on.' }),
    intervalMs: z.int(),
    sources: z.array(
      z.strictObject({
        name: sourceName,
        url: z.string().nullable().meta({ description: 'null: the log of this node.' }),
        nodeId: z.string().nullable().meta({ description: 'null: the source was never read.' }),
        state: z.enum(['ok', 'failing', 'other-data']).meta({
          description:
            '`other-data`: the source now has other data than was folded before. None of it is ' +
            'folded.',
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
    lastSequence: z
      .int()
      .min(1)
      .meta({ description: 'The last missing sequence of a gap; otherwise equal to `sequence`.' }),
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
      .meta({ description: 'The records that it concerns, as far as they can be read.' }),
    attempts: z.int().min(1),
    firstAttemptAt: timeSchema,
    lastAttemptAt: timeSchema,
    received: z
      .string()
      .nullable()
      .meta({ description: 'What was received, truncated; null if nothing was.' }),
  })
  .meta({ id: 'DeadLetter' });

export const letterPageSchema = z
  .strictObject({ items: z.array(deadLetterSchema), nextCursor: z.string().nullable() })
  .meta({ id: 'DeadLetterPage' });

export const retriedSchema = z
  .strictObject({
    resolved: z
      .boolean()
      .meta({ description: 'Whether the event is folded and the dead letter closed.' }),
    deadLetter: deadLetterSchema
      .nullable()
      .meta({ description: 'The dead letter after the attempt; null if it is closed.' }),
  })
  .meta({ id: 'RetriedDeadLetter' });
