import type { core, ZodType } from 'zod';
import type { Request } from 'express';
import { escapeToken } from './json/strict-json.js';
import { type MemberFault, RequestError } from './request-error.js';

/** How many faults of one request are reported. */
const FAULTS_MAX = 20;
/** About a millisecond's work. */
const ITEMS_PER_SLICE = 500;
/** The reported name of an unknown member is cut to this length. */
const NAME_SHOWN_MAX = 64;

/** The body that `jsonBody` read, parsed by the schema; throws validation-failed. */
export function parseBody<T>(schema: ZodType<T>, request: Request): T {
  const result = schema.safeParse(request.body);
  if (result.success) return result.data;
  throw notAcceptable(issuesOf(schema, request.body));
}

/** Each item of the body's member `name`; other requests are served after every slice. */
export async function parseItems<T>(
  schema: ZodType<T>,
  { name, items }: { readonly name: string; readonly items: readonly unknown[] },
  yieldTurn: () => Promise<void>,
): Promise<readonly T[]> {
  const parsed: T[] = [];
  const issues: core.$ZodIssue[] = [];
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % ITEMS_PER_SLICE === 0) await yieldTurn();
    const result = schema.safeParse(item);
    if (result.success) parsed.push(result.data);
    else {
      const found = issuesOf(schema, item);
      issues.push(...found.map((issue) => ({ ...issue, path: [name, index, ...issue.path] })));
      if (issues.length >= FAULTS_MAX) break;
    }
  }
  if (issues.length > 0) throw notAcceptable(issues);
  return parsed;
}

function notAcceptable(issues: readonly core.$ZodIssue[]): RequestError {
  return new RequestError('validation-failed', 'The body is not acceptable.', {
    errors: issues.slice(0, FAULTS_MAX).flatMap(faultsOf).slice(0, FAULTS_MAX),
  });
}

/** The query of a route that takes one; unknown and repeated parameters are validation-failed. */
export function parseQuery<T>(schema: ZodType<T>, request: Request): T {
  const parameters = queryParameters(request);
  const result = schema.safeParse(parameters);
  if (result.success) return result.data;
  const [fault] = issuesOf(schema, parameters).slice(0, 1).flatMap(faultsOf);
  const name = fault?.pointer.slice(1) ?? '';
  throw new RequestError('validation-failed', `The query: ${name} ${fault?.detail ?? ''}.`);
}

/** For routes that take no query. */
export function refuseQuery(request: Request): void {
  if (!request.url.includes('?')) return;
  const [name] = Object.keys(queryParameters(request));
  if (name === undefined) return;
  throw new RequestError('validation-failed', 'This path takes no query parameters.');
}

/** Parsed here and not by Express, which takes undecodable text as it is. */
function queryParameters(request: Request): Readonly<Record<string, string>> {
  const { url } = request;
  const start = url.indexOf('?');
  const parameters = Object.create(null) as Record<string, string>;
  if (start === -1) return parameters;
  for (const pair of url.slice(start + 1).split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decoded(equals === -1 ? pair : pair.slice(0, equals));
    if (name in parameters) {
      throw new RequestError('validation-failed', 'A query parameter is repeated.');
    }
    parameters[name] = equals === -1 ? '' : decoded(pair.slice(equals + 1));
  }
  return parameters;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new RequestError('validation-failed', 'The query is not percent-encoded UTF-8.');
  }
}

/**
 * What is wrong with a value that the schema has refused. It is parsed again for that: with our own
 * messages zod makes every value four times as expensive (a new hidden class each).
 */
function issuesOf(schema: ZodType, value: unknown): readonly core.$ZodIssue[] {
  return schema.safeParse(value, IN_OUR_WORDS).error?.issues ?? [];
}

/** Called only for a fault for which the schema has no message of its own. */
const IN_OUR_WORDS: core.ParseContext<core.$ZodIssue> = { error: sentence };

function sentence(issue: core.$ZodRawIssue): string {
  if (issue.input === undefined) return 'is missing';
  if (issue.code === 'invalid_type') return `must be ${KINDS[issue.expected] ?? 'of another type'}`;
  if (issue.code === 'too_small') return `must ${be(issue.origin)} at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `must ${be(issue.origin)} at most ${issue.maximum}`;
  if (issue.code === 'invalid_union') return `must be one of ${listed(issue.options)}`;
  return 'is not acceptable';
}

function be(origin: string): string {
  return origin === 'array' ? 'number' : 'be';
}

function listed(options: unknown): string {
  return Array.isArray(options) ? options.join(', ') : 'the documented forms';
}

const KINDS: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a whole number',
  string: 'a string',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
};

function faultsOf(issue: core.$ZodIssue): MemberFault[] {
  const pointer = issue.path.map((step) => `/${escapeToken(String(step))}`).join('');
  if (issue.code !== 'unrecognized_keys') return [{ pointer, detail: issue.message }];
  return issue.keys.slice(0, FAULTS_MAX).map((key) => ({
    pointer: `${pointer}/${escapeToken(key.slice(0, NAME_SHOWN_MAX).toWellFormed())}`,
    detail: 'is not known here',
  }));
}
