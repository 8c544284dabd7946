import { z } from 'zod';
import { ImportError } from './import-error.js';
import { PLANNED, type StepState, mayFollow } from './step-state.js';

/*
 * The progress file, one JSON value per line:
 *
 *   {"format":"order-import/1","file":"<sha-256>","node":"<id>",
 *    "baseline":[["Store","SKU",onHand,reserved],…]}
 *   {"step":"536365","at":"sent","after":2489}
 *   {"step":"536365","at":"reserved","reservationId":"…","sequence":2490}
 *   {"step":"536365","at":"done","sequence":2491}
 *
 * A line counts once its newline is written. Bytes after the last newline are a write torn by a
 * crash: nothing relies on them yet, and they are dropped.
 */
const sequence = z.int().min(0);
const headerSchema = z.strictObject({
  format: z.literal('order-import/1'),
  /** SHA-256 of the imported file. */
  file: z.string().regex(/^[0-9a-f]{64}$/),
  /** The `Inventory-Node` of the service; 0.1.0 did not write it. */
  node: z.string().min(1).exactOptional(),
  /** The service's balances of the plan's records before the first step. */
  baseline: z.array(z.tuple([z.string(), z.string(), z.int(), z.int()])),
});
const step = z.string();
const entrySchema = z.discriminatedUnion('at', [
  z.strictObject({ step, at: z.literal('sent'), after: sequence }),
  z.strictObject({ step, at: z.literal('reserved'), reservationId: z.string(), sequence }),
  z.strictObject({ step, at: z.literal('done'), sequence }),
  z.strictObject({ step, at: z.literal('refused'), code: z.string(), detail: z.string() }),
]);

export type ProgressHeader = z.infer<typeof headerSchema>;
export type Progressed = Exclude<StepState, { at: 'planned' }>;
export type ProgressEntry = { readonly step: string } & Progressed;

export interface Progress {
  /** Undefined: nothing was done yet. */
  readonly header: ProgressHeader | undefined;
  readonly states: Map<string, StepState>;
  /** Where the last whole line ends. */
  readonly wholeBytes: number;
}

/** Checked by the schema that reads it: an unreadable line would end every later import. */
export function encodeLine(line: ProgressHeader | ProgressEntry): string {
  const schema = 'format' in line ? headerSchema : entrySchema;
  return `${JSON.stringify(schema.parse(line))}\n`;
}

/** Throws ImportError if a whole line is invalid: then nothing in the file can be trusted. */
export function parseProgress(bytes: Buffer): Progress {
  const wholeBytes = bytes.lastIndexOf('\n') + 1;
  const lines = bytes.toString('utf8', 0, wholeBytes).split('\n').slice(0, -1);
  const [first, ...rest] = lines;
  const header = first === undefined ? undefined : parseLine(first, headerSchema, 1);
  const states = new Map<string, StepState>();
  for (const [index, line] of rest.entries()) {
    const { step: id, ...state } = parseLine(line, entrySchema, index + 2);
    if (!mayFollow(states.get(id) ?? PLANNED, state)) throw damaged(index + 2);
    states.set(id, state);
  }
  return { header, states, wholeBytes };
}

function parseLine<T>(text: string, schema: z.ZodType<T>, lineNumber: number): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw damaged(lineNumber, error);
  }
}

function damaged(lineNumber: number, cause?: unknown): ImportError {
  return new ImportError(`line ${lineNumber} of its progress file is damaged`, { cause });
}
